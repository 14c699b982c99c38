import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ProcessWatch } from './process-watch.js';
import type { ProcessEvent } from './schemas.js';
import type { ServerView } from './server-view.js';

const STATUS_MS = 1_000;
/** Events of processes that a client is told once it comes again. */
const KEPT = 512;
/** Milliseconds without a client after which it is not looked for events any more. */
const KEPT_FOR_MS = 60_000;
/** Bytes that wait for a client that does not read, beyond which its connection is closed. */
const MOST_BYTES = 1 << 18;
/** Bytes that wait for a client beyond which it is told no snapshot: the next one will be newer. */
const BUSY_BYTES = 1 << 16;

/** What a client may be told beside the status, each second. */
export type Snapshot = 'processes' | 'listeners';

interface Kept {
  readonly number: number;
  readonly event: ProcessEvent;
}

/**
 * The stream of events: the status every second, and what happens to processes when it happens. A client that names the event that it
 * has got last is told those after it; where they are not there any more, or the admin process is another one, it is told `resync`.
 */
export class EventStream {
  readonly #view: ServerView;
  readonly #watch: ProcessWatch;
  /** Of this process: its successor counts anew. */
  readonly #run = randomBytes(4).toString('hex');
  readonly #clients = new Map<ServerResponse, readonly Snapshot[]>();
  #kept: Kept[] = [];
  #number = 0;
  #endWatch: (() => void) | undefined;
  #status: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;

  constructor(view: ServerView, watch: ProcessWatch) {
    this.#view = view;
    this.#watch = watch;
  }

  /** Serves the events after `lastEventId` to a client, until that goes away; the snapshots with each status. */
  serve(
    response: ServerResponse,
    lastEventId: string | undefined,
    snapshots: readonly Snapshot[] = [],
  ): void {
    this.#begin();
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#clients.set(response, snapshots);
    response.on('close', () => this.#gone(response));
    this.#catchUp(response, lastEventId);
    this.#tell(response, snapshots);
  }

  close(): void {
    clearTimeout(this.#end);
    this.#pause();
    for (const response of this.#clients.keys()) response.end();
  }

  #begin(): void {
    clearTimeout(this.#end);
    this.#end = undefined;
    this.#endWatch ??= this.#watch.listen((event) => this.#happened(event));
    this.#status ??= setInterval(() => this.#tellStatus(), STATUS_MS);
  }

  /** Not at once: a client that comes again is told what has happened meanwhile. */
  #gone(response: ServerResponse): void {
    this.#clients.delete(response);
    if (this.#clients.size > 0) return;
    clearInterval(this.#status);
    this.#status = undefined;
    this.#end = setTimeout(() => this.#pause(), KEPT_FOR_MS).unref();
  }

  #pause(): void {
    this.#endWatch?.();
    this.#endWatch = undefined;
    clearInterval(this.#status);
    this.#status = undefined;
    this.#kept = [];
    // What happens from now on is not seen: who comes again has to look anew.
    this.#number++;
  }

  #catchUp(response: ServerResponse, lastEventId: string | undefined): void {
    if (lastEventId === undefined) return;
    const [run, text = ''] = lastEventId.split('-');
    const last = run === this.#run && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    const first = this.#kept[0]?.number ?? this.#number + 1;
    if (Number.isNaN(last) || last > this.#number || last + 1 < first)
      return this.#write(response, 'resync', { at: Date.now() });
    for (const { number, event } of this.#kept)
      if (number > last) this.#write(response, 'process', event, number);
  }

  #happened(event: ProcessEvent): void {
    this.#number++;
    this.#kept.push({ number: this.#number, event });
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const response of this.#clients.keys()) this.#write(response, 'process', event);
  }

  #tellStatus(): void {
    for (const [response, snapshots] of this.#clients) this.#tell(response, snapshots);
  }

  /** What is read for one client is not read anew for the next. */
  #tell(response: ServerResponse, snapshots: readonly Snapshot[]): void {
    if (response.writableLength > BUSY_BYTES) return;
    this.#write(response, 'status', this.#view.status());
    const at = Date.now();
    if (snapshots.includes('processes'))
      this.#write(response, 'processes', { at, processes: this.#view.processes.all() });
    if (snapshots.includes('listeners'))
      this.#write(response, 'listeners', { at, listeners: this.#view.listeners.all() });
  }

  #write(response: ServerResponse, event: string, data: object, number = this.#number): void {
    response.write(`id: ${this.#run}-${number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (response.writableLength > MOST_BYTES) response.destroy();
  }
}
