import type { SessionId } from '../contract/ids.js';
import type { ClientCount } from '../reactor/acceptor.js';
import type { Counters } from '../shared/counters.js';
import { ACCEPTED, LAST_SESSION, OUT_OF_DESCRIPTORS, TURNED_AWAY } from '../shared/counters-layout.js';

/** Process mode: the clients of the whole server, which the master lets in and hands to reactor threads. */
export class ServerCount implements ClientCount {
  readonly #counters: Counters;
  #open = 0;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  get open(): number {
    return this.#open;
  }

  enter(limit: number): boolean {
    if (this.#open === limit) return false;
    this.#open++;
    return true;
  }

  leave(): void {
    this.#open--;
  }

  accepted(session: SessionId): void {
    this.#counters.countServer(ACCEPTED);
    this.#counters.setServer(LAST_SESSION, session);
  }

  turnedAway(): void {
    this.#counters.countServer(TURNED_AWAY);
  }

  outOfDescriptors(): void {
    this.#counters.countServer(OUT_OF_DESCRIPTORS);
  }
}
