import type { Packet } from '../links/packet.js';
import type { Client } from '../reactor/client.js';
import { Dispatcher, type DispatcherParts } from '../reactor/dispatch.js';
import type { WorkerLink } from '../reactor/worker-link.js';

/** Base mode: everything is for the worker that the reactor is part of. */
export class OwnDispatcher extends Dispatcher {
  readonly #own: WorkerLink;

  constructor(parts: DispatcherParts, own: number) {
    super(parts);
    this.#own = parts.workers[own] as WorkerLink;
  }

  /** A message has been taken when it has been sent: what a client has is its share of each turn. */
  override hasShare(): boolean {
    return true;
  }

  override send(_client: Client, worker: WorkerLink, message: Packet): void {
    worker.dispatch(message);
  }

  override sendDatagram(worker: WorkerLink, message: Packet): void {
    worker.dispatch(message);
  }

  override owner(): WorkerLink {
    return this.#own;
  }

  override pickForHost(): WorkerLink {
    return this.#own;
  }
}
