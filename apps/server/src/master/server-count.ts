import type { ListenerIndex, SessionId } from '../contract/ids.js';
import type { ClientCount } from '../reactor/acceptor.js';
import type { Counters } from '../shared/counters.js';
import {
  ACCEPTED,
  ACCEPTED_BY,
  LAST_SESSION,
  OUT_OF_DESCRIPTORS,
  REFUSED_BY,
  TURNED_AWAY,
} from '../shared/counters-layout.js';

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

  accepted(session: SessionId, listener: ListenerIndex): void {
    this.#counters.countServer(ACCEPTED);
    this.#counters.countServer(ACCEPTED_BY + listener);
    this.#counters.setServer(LAST_SESSION, session);
  }

  turnedAway(listener: ListenerIndex): void {
    this.#counters.countServer(TURNED_AWAY);
    this.#counters.countServer(REFUSED_BY + listener);
  }

  outOfDescriptors(listener: ListenerIndex): void {
    this.#counters.countServer(OUT_OF_DESCRIPTORS);
    this.#counters.countServer(REFUSED_BY + listener);
  }
}
