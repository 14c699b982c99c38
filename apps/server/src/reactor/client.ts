import type { StreamConnection } from '@millrace/reactor';
import type { ConnectionSlot } from '../shared/connection-table.js';
import type { Holdable } from './holds.js';
import type { WorkerLink } from './worker-link.js';

/** A connected client, as its reactor thread knows it. */
export class Client implements Holdable {
  connection!: StreamConnection<Client>;
  /** A process has asked to close it. */
  closedByWorker = false;
  /** Why it is closed from this side, where nobody asked for it. */
  closedFor: 'idle' | 'dispatch' | 'output-limit' | undefined;
  /** The worker that got its last message, in the modes that choose for each. */
  last: WorkerLink;
  /** Workers other than its own that know of it. */
  readonly visited = new Set<WorkerLink>();
  /** Processes that want to hear when there is room for more output. */
  readonly waiters = new Set<number>();
  /** Workers that have not answered yet that they have nothing more to send. */
  readonly endings = new Set<WorkerLink>();
  /** More than the high-water mark waits for it. */
  congested = false;
  /** How many files wait for it. */
  files = 0;
  /** When its output last moved, while it is being closed. */
  movedAt = 0;
  #holds = 0;

  constructor(
    readonly session: number,
    readonly port: number,
    /** Its own worker: gets connect and close. */
    readonly home: WorkerLink,
    readonly address: Buffer,
    readonly slot: ConnectionSlot,
  ) {
    this.last = home;
  }

  /** Sends, and publishes what that leaves waiting. */
  write(bytes: Uint8Array, start: number, end: number, now: number): void {
    const { connection } = this;
    const before = connection.queuedBytes;
    connection.write(bytes, start, end);
    const queued = connection.queuedBytes;
    if (queued - before < end - start) this.slot.sent(now);
    this.slot.took(end - start, queued);
  }

  hold(reason: number): void {
    this.#holds |= reason;
    this.connection.pause();
  }

  release(reason: number): void {
    this.#holds &= ~reason;
    if (this.#holds === 0) this.connection.resume();
  }
}

/** As `remoteAddress` shows it; empty for a unix socket. */
export function addressOf(host: string, port: number): Buffer {
  if (host === '') return Buffer.alloc(0);
  return Buffer.from(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}
