import * as layout from './layout.js';
import type { TableMemory } from './memory.js';
import { clearBits, exchange, publish, put, setBits } from './stores.js';

const BITS_LOG2 = 5;
const BITS_MASK = 31;

/**
 * Which slots are free. The truth is STRIPE of each slot: the thread that swaps its 0 for a stripe has it, so a claim needs no
 * lock beyond that of the stripe. The hints say where to look: a bit may stand for a slot that is taken (then the next
 * one is tried), but none is missing for a slot that is free, once dead writers' stripes have been recovered.
 */
export class Slots {
  readonly #words: Int32Array;
  readonly #layout: layout.TableLayout;
  /** The word of hints with which the next search begins: each process has its own. */
  #cursor: number;

  constructor({ words, layout: found }: TableMemory, start: number) {
    this.#words = words;
    this.#layout = found;
    this.#cursor = Math.imul(start, 0x9e37_79b1) >>> 0;
    this.#cursor %= found.hintWords;
  }

  /** The word at which a slot starts. */
  row(slot: number): number {
    return this.#layout.rowsAt + slot * this.#layout.rowWords;
  }

  /** Claims a free slot for the stripe at word `stripeAt`, whose lock this thread has; -1 when there is none. */
  claim(stripe: number, stripeAt: number): number {
    const { hintsAt, hintWords } = this.#layout;
    let index = this.#cursor;
    for (let searched = 0; searched < hintWords; searched++) {
      let bits = this.#words[hintsAt + index] ?? 0;
      while (bits !== 0) {
        const slot = (index << BITS_LOG2) | (BITS_MASK - Math.clz32(bits & -bits));
        if (this.#tryClaim(slot, stripe, stripeAt)) {
          this.#cursor = index;
          return slot;
        }
        bits &= bits - 1;
      }
      if (++index === hintWords) index = 0;
    }
    return -1;
  }

  /** Frees a slot that no chain leads to. */
  free(slot: number): void {
    // Pairs with the exchange in #tryClaim.
    publish(this.#words, this.row(slot) + layout.ROW_STRIPE, 0);
    this.hint(slot);
    // In a table that is full, what has just been freed is what the next claim finds.
    this.#cursor = slot >>> BITS_LOG2;
  }

  /** Says that a slot is probably free. */
  hint(slot: number): void {
    setBits(this.#words, this.#layout.hintsAt + (slot >>> BITS_LOG2), 1 << (slot & BITS_MASK));
  }

  /** How many slots have a hint. */
  countHints(): number {
    const { hintsAt, hintWords } = this.#layout;
    let count = 0;
    for (let index = 0; index < hintWords; index++) {
      for (let bits = this.#words[hintsAt + index] ?? 0; bits !== 0; bits &= bits - 1) count++;
    }
    return count;
  }

  #tryClaim(slot: number, stripe: number, stripeAt: number): boolean {
    // Before the claim: the successor of a writer that dies here checks whether it got as far as claiming the slot.
    put(this.#words, stripeAt + layout.PENDING, slot + 1);
    const at = this.row(slot) + layout.ROW_STRIPE;
    const claimed = exchange(this.#words, at, 0, stripe + 1) === 0;
    clearBits(this.#words, this.#layout.hintsAt + (slot >>> BITS_LOG2), 1 << (slot & BITS_MASK));
    // The hint may have been of a slot that was freed just now. Pairs with `free`, which stores STRIPE before the hint.
    if (!claimed && Atomics.load(this.#words, at) === 0) this.hint(slot);
    return claimed;
  }
}
