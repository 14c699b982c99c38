import type { Counters } from '../shared/counters.js';
import { ACCEPTED_HERE } from '../shared/counters-layout.js';

/** Milliseconds for which a worker that is ahead lets others accept. */
const PAUSE_MS = 1;
/** Clients that a worker may have more than another one, */
const MARGIN = 4;
/** and one more for so many that it has: a small difference is not worth a pause. */
const PER_CLIENTS = 16;

/**
 * Workers that accept from one socket all wake up when a client comes, and chance says who has it. One that has more
 * clients than another looks away for a moment, so that the other takes the next; but only from those that do accept:
 * one that is stuck or dead takes nothing, and is not waited for.
 */
export class FairShare {
  readonly #counters: Counters;
  readonly #own: number;
  readonly #others: readonly { readonly id: number; readonly counters: Float64Array; seen: number }[];

  constructor(counters: Counters, own: number) {
    this.#counters = counters;
    this.#own = own;
    this.#others = Array.from({ length: counters.shape.reactors }, (_, id) => id)
      .filter((id) => id !== own)
      .map((id) => ({ id, counters: counters.reactor(id), seen: 0 }));
  }

  /** After a client was accepted: milliseconds to accept no other, or 0. */
  pause(): number {
    const own = this.#counters.open(this.#own);
    const limit = own - MARGIN - Math.floor(own / PER_CLIENTS);
    let ahead = false;
    for (const other of this.#others) {
      const accepted = other.counters[ACCEPTED_HERE] as number;
      if (accepted === other.seen) continue;
      other.seen = accepted;
      ahead ||= this.#counters.open(other.id) < limit;
    }
    return ahead ? PAUSE_MS : 0;
  }
}
