import type { WorkerId } from '../contract/ids.js';
import type { Packet } from '../links/packet.js';
import type { Client, ClientLink } from '../reactor/client.js';
import { Dispatcher, type DispatcherParts } from '../reactor/dispatch.js';

/** Base mode: everything is for the worker that the reactor is part of. */
export class OwnDispatcher extends Dispatcher {
  readonly #own: ClientLink;

  constructor(parts: DispatcherParts, own: WorkerId) {
    super(parts);
    this.#own = parts.workers[own] as ClientLink;
  }

  /** A message has been taken when it has been sent: what a client has is its share of each turn. */
  override hasShare(): boolean {
    return true;
  }

  override send(_client: Client, worker: ClientLink, message: Packet): void {
    worker.dispatch(message);
  }

  override sendDatagram(worker: ClientLink, message: Packet): void {
    worker.dispatch(message);
  }

  override owner(): ClientLink {
    return this.#own;
  }

  override pickForHost(): ClientLink {
    return this.#own;
  }
}
