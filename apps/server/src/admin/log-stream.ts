import type { ServerResponse } from 'node:http';
import { LOG_LEVELS } from '../options/options.js';
import { type LogRing, type Position, textOf } from '../shared/log-ring.js';
import { SLOTS } from '../shared/log-ring-layout.js';
import type { ProcessList } from './process-list.js';
import { noProcess } from './replies.js';

/** Milliseconds between two looks. */
const LOOK_MS = 100;
/** Lines that are taken in one look, of one client. */
const MOST_LINES = 1_000;
/** Bytes that wait for a client, beyond which it gets no more lines until it has read: what is written over meanwhile, it loses. */
const MOST_BYTES = 1 << 18;
/** Milliseconds without a line after which something is sent all the same: a connection that is silent is closed. */
const SILENT_MS = 10_000;
/** Lines of the past, where the client does not say. */
const PAST = 100;

export interface LogQuery {
  readonly process?: string | undefined;
  readonly level?: (typeof LOG_LEVELS)[number] | undefined;
  readonly lines?: number | undefined;
  readonly follow?: 'true' | 'false' | undefined;
}

/** A line of the log, as far as it is looked at here. */
interface Line {
  readonly level?: unknown;
  readonly role?: unknown;
  readonly id?: unknown;
}

/**
 * The log of all processes as server-sent events, from the memory that they share: `log` for each line, and `lost` with how many were
 * written over before the client had read that far. So a client that does not read holds up nothing, and costs what waits for it in its socket.
 */
export class LogStream {
  readonly #ring: LogRing;
  readonly #processes: Pick<ProcessList, 'all' | 'mayWrite'>;
  readonly #clients = new Set<ServerResponse>();

  constructor(ring: LogRing, processes: Pick<ProcessList, 'all' | 'mayWrite'>) {
    this.#ring = ring;
    this.#processes = processes;
  }

  /** Serves the log to a client, until that goes away, or what was there by then. Throws a {@link RequestError}. */
  open(query: LogQuery, lastEventId: string | undefined): (response: ServerResponse) => void {
    this.#assertWriter(query.process);
    const isWanted = filterOf(query);
    const { lines = PAST, follow } = query;
    return (response) => {
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      // The client is told at once that it is served.
      response.flushHeaders();
      const last = lastEventId === undefined ? undefined : this.#ring.positionOf(lastEventId);
      const position = last ?? this.#past(response, lines, isWanted);
      if (follow === 'false') return void response.end();
      this.#follow(response, position, isWanted);
    };
  }

  close(): void {
    for (const response of this.#clients) response.end();
  }

  /** A name of which no line will ever come is a mistake. */
  #assertWriter(process: string | undefined): void {
    if (process === undefined) return;
    const { role = '', id } = writerOf(process) ?? {};
    if (this.#processes.mayWrite(role, id)) return;
    throw noProcess(process, this.#processes.all());
  }

  #past(response: ServerResponse, most: number, isWanted: (line: string) => boolean): Position {
    const position = this.#ring.oldest();
    const wanted: string[] = [];
    // No more than there can have been: processes that write as fast as this one reads would keep it from everything else.
    for (let taken = 0; taken < SLOTS; ) {
      const { lines } = this.#ring.read(position, MOST_LINES);
      if (lines.length === 0) break;
      taken += lines.length;
      wanted.push(...lines.filter(isWanted));
    }
    if (most > 0 && wanted.length > 0) response.write(eventsOf(wanted.slice(-most), position));
    return position;
  }

  #follow(response: ServerResponse, position: Position, isWanted: (line: string) => boolean): void {
    let wroteAt = performance.now();
    const look = () => {
      if (response.writableLength > MOST_BYTES) return;
      const { lines, lost } = this.#ring.read(position, MOST_LINES);
      const missing = lost === 0 ? '' : `event: lost\ndata: ${JSON.stringify({ lines: lost })}\n\n`;
      const events = missing + eventsOf(lines.filter(isWanted), position);
      if (events === '' && performance.now() - wroteAt < SILENT_MS) return;
      wroteAt = performance.now();
      response.write(events === '' ? ':\n\n' : events);
    };
    const timer = setInterval(look, LOOK_MS);
    this.#clients.add(response);
    response.on('close', () => {
      clearInterval(timer);
      this.#clients.delete(response);
    });
  }
}

/** The last of them says where a client that comes again goes on, also with another admin process: the memory outlives it. */
function eventsOf(lines: readonly string[], position: Position): string {
  const { length } = lines;
  return lines
    .map((line, at) => `${at === length - 1 ? `id: ${textOf(position)}\n` : ''}event: log\ndata: ${line}\n\n`)
    .join('');
}

/** A role, or a process of it; undefined: neither. */
function writerOf(process: string): { readonly role: string; readonly id: number | undefined } | undefined {
  const [, role, id] = /^([a-z-]+)(?:[: ](\d{1,4}))?$/.exec(process) ?? [];
  return role === undefined ? undefined : { role, id: id === undefined ? undefined : Number(id) };
}

function filterOf({ process, level }: LogQuery): (line: string) => boolean {
  const { role, id } = writerOf(process ?? '') ?? {};
  const least = level === undefined ? 0 : LOG_LEVELS.indexOf(level);
  return (text) => {
    const line = parsed(text);
    if (line === undefined) return false;
    if (LOG_LEVELS.indexOf(line.level as (typeof LOG_LEVELS)[number]) < least) return false;
    return role === undefined || (line.role === role && (id === undefined || line.id === id));
  };
}

/** Undefined: no process that writes lines has written it. */
function parsed(text: string): Line | undefined {
  // A line of its own, or it would be another event.
  if (text.includes('\n') || text.includes('\r')) return undefined;
  try {
    const line = JSON.parse(text) as unknown;
    return typeof line === 'object' && line !== null ? line : undefined;
  } catch {
    return undefined;
  }
}
