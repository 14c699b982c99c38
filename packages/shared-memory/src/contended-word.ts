import { CONTENDED } from './lock-layout.js';

/** Marks a word that somebody owns as slept on; returns the value to sleep on, 0 when nobody owns it any more. */
export function markContended(words: Int32Array, index: number): number {
  for (;;) {
    const seen = Atomics.load(words, index);
    if (seen === 0 || (seen & CONTENDED) !== 0) return seen;
    // Pairs with the exchange of whoever unlocks: it finds the mark and wakes, or this finds another value.
    if (Atomics.compareExchange(words, index, seen, seen | CONTENDED) === seen) return seen | CONTENDED;
  }
}
