import type { Connection } from '@millrace/reactor';
import type { WorkerLink } from './worker-link.js';

/** Why a client is not read from; a client may have several reasons at once. */
export const HOLD_WORKER = 1; // its worker has more than it can take
export const HOLD_OUTPUT = 2; // it does not read its answers
export const HOLD_QUIESCE = 4; // the server is stopping

/** A connected client, as its reactor thread knows it. */
export class Client {
  connection!: Connection<Client>;
  /** The worker has asked to close it. */
  closedByWorker = false;
  #holds = 0;

  constructor(
    readonly session: number,
    readonly port: number,
    readonly link: WorkerLink,
    readonly address: Buffer,
  ) {}

  hold(reason: number): void {
    this.#holds |= reason;
    this.connection.pause();
  }

  release(reason: number): void {
    this.#holds &= ~reason;
    if (this.#holds === 0) this.connection.resume();
  }
}
