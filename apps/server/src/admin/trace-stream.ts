import type { ServerResponse } from 'node:http';
import type { SessionCloseReason } from '../contract/close-reasons.js';
import { monotonicMicros } from '../shared/session-trace.js';
import { CLOSED, WATCHES } from '../shared/trace-layout.js';
import { type TraceCursor, TraceWatches } from '../shared/trace-watches.js';
import type { AdminAssignment } from './admin-assignment.js';
import { RequestError } from './replies.js';
import type { ServerView } from './server-view.js';
import type { TraceEvent } from './trace-schemas.js';
import { TraceSteps } from './trace-steps.js';

/** Milliseconds between two looks. */
const LOOK_MS = 20;
/** Records that are taken in one look, of one client. */
const MOST_RECORDS = 2_000;
/** Bytes that wait for a client, beyond which it gets nothing until it has read: what is written over meanwhile, it misses. */
const MOST_BYTES = 1 << 18;
/** Milliseconds without anything to tell after which something is sent all the same: a connection that is silent is closed. */
const SILENT_MS = 10_000;
/** Milliseconds in which processes may still take what was under way to them, and say so, when the connection is closed. */
const LINGER_MS = 250;

/**
 * The way of the messages of one session, as server-sent events: what the processes of the server note of them in shared memory, as long as
 * a client listens.
 */
export class TraceStream {
  readonly #watches: TraceWatches;
  readonly #view: ServerView;
  readonly #assignment: AdminAssignment;
  readonly #open = new Set<Follower>();

  constructor(memory: ArrayBuffer, view: ServerView, assignment: AdminAssignment) {
    this.#watches = new TraceWatches(memory);
    this.#view = view;
    this.#assignment = assignment;
  }

  /** Traces a session for a client, until that goes away or the session is closed. Throws a {@link RequestError}. */
  open(text: string): (response: ServerResponse) => void {
    const session = /^\d{1,16}$/.test(text) ? Number(text) : 0;
    const connection = this.#view.connection(session);
    if (connection === undefined) throw this.#notOpen(text, session);
    const cursor = this.#watches.open(session);
    if (cursor === undefined)
      throw new RequestError(
        503,
        'TOO_MANY_TRACES',
        `${WATCHES} sessions are traced, which is as many as can be at once: end one of those traces.`,
      );
    const { mode, topology } = this.#assignment;
    return (response) => {
      // Nothing would end the trace.
      if (response.destroyed) return cursor.close();
      const follower = new Follower(response, cursor, {
        steps: new TraceSteps(topology, monotonicMicros),
        isOpen: () => this.#view.connection(session) !== undefined,
        closeReason: () => this.#view.closeReason(session),
      });
      this.#open.add(follower);
      response.on('close', () => {
        this.#open.delete(follower);
        follower.close();
      });
      follower.begin({ type: 'session', mode, connection });
    };
  }

  close(): void {
    for (const follower of this.#open) follower.end({ type: 'end', outcome: 'stopped', reason: null });
    this.#watches.close();
  }

  #notOpen(text: string, session: number): RequestError {
    const reason = this.#view.closeReason(session);
    const why = reason === undefined ? 'no session with this id is open' : `it was closed ('${reason}')`;
    return new RequestError(
      404,
      'NO_SESSION',
      `Session ${JSON.stringify(text).slice(1, -1)} cannot be traced: ${why}; /v1/connections tells which are open.`,
    );
  }
}

interface Followed {
  readonly steps: TraceSteps;
  readonly isOpen: () => boolean;
  readonly closeReason: () => SessionCloseReason | undefined;
}

/** One client that follows a session. */
class Follower {
  readonly #response: ServerResponse;
  readonly #cursor: TraceCursor;
  readonly #followed: Followed;
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);
  #wroteAt = performance.now();
  /** When it is told that the session is closed; 0: it is open. */
  #endAt = 0;

  constructor(response: ServerResponse, cursor: TraceCursor, followed: Followed) {
    this.#response = response;
    this.#cursor = cursor;
    this.#followed = followed;
  }

  begin(first: TraceEvent): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.write(textOf(first));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#cursor.close();
  }

  end(last: TraceEvent): void {
    this.close();
    this.#response.end(textOf(last));
  }

  #look(): void {
    if (this.#response.writableLength > MOST_BYTES) return;
    const { steps, isOpen, closeReason } = this.#followed;
    // Before the records are read: what is noted of a session is there before the table says that it is closed.
    const isClosed = !isOpen();
    const { records, missed } = this.#cursor.read(MOST_RECORDS);
    let spoiled = 0;
    const events = records.flatMap((record): TraceEvent[] => {
      const reports = steps.take(record);
      if (reports === undefined) spoiled++;
      return reports ?? [];
    });
    if (missed + spoiled > 0) events.unshift({ type: 'missed', steps: missed + spoiled });
    const now = performance.now();
    if (events.length > 0) this.#write(events.map(textOf).join(''), now);
    else if (now - this.#wroteAt > SILENT_MS) this.#write(':\n\n', now);
    if (this.#endAt === 0 && (isClosed || records.some(({ step }) => step === CLOSED)))
      this.#endAt = now + LINGER_MS;
    if (this.#endAt > 0 && now >= this.#endAt && records.length === 0)
      this.end({ type: 'end', outcome: 'closed', reason: closeReason() ?? null });
  }

  #write(text: string, now: number): void {
    this.#wroteAt = now;
    this.#response.write(text);
  }
}

const textOf = (event: TraceEvent) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
