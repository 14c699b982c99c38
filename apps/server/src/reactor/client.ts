import type { Connection } from '@millrace/reactor';
import type { Holdable } from './holds.js';
import type { WorkerLink } from './worker-link.js';

/** A connected client, as its reactor thread knows it. */
export class Client implements Holdable {
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
