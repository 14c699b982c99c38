import type { KeyScratch } from './key.js';
import * as layout from './layout.js';
import type { TableMemory } from './memory.js';
import type { Slots } from './slots.js';
import { publish, put } from './stores.js';
import type { Stripes } from './stripes.js';

/** The chains of slots, for the owner of the lock of their stripe. */
export class Chains {
  readonly #words: Int32Array;
  readonly #layout: layout.TableLayout;
  readonly #mask: number;
  readonly #slots: Slots;
  readonly #stripes: Stripes;

  constructor({ words, layout: found }: TableMemory, slots: Slots, stripes: Stripes) {
    this.#words = words;
    this.#layout = found;
    this.#mask = found.buckets - 1;
    this.#slots = slots;
    this.#stripes = stripes;
  }

  /** The word of the slot that has the key, or -1. */
  find(key: KeyScratch): number {
    const words = this.#words;
    let next = words[this.#head(key.hash)] ?? 0;
    while (next !== 0) {
      const row = this.#slots.row(next - 1);
      if (words[row + layout.ROW_HASH] === key.hash && key.matches(words, row)) return row;
      next = words[row + layout.ROW_NEXT] ?? 0;
    }
    return -1;
  }

  /** Puts a filled slot at the head of its chain. It is no row before its VERSION says so. */
  link(slot: number): void {
    const row = this.#slots.row(slot);
    const head = this.#head(this.#words[row + layout.ROW_HASH] ?? 0);
    put(this.#words, row + layout.ROW_NEXT, this.#words[head] ?? 0);
    // Publishes the slot's key, hash and next to readers' loads of the head.
    publish(this.#words, head, slot + 1);
  }

  /** Ends a row, takes its slot out of its chain and frees it. */
  remove(row: number, stripe: number): void {
    const slot = (row - this.#layout.rowsAt) / this.#layout.rowWords;
    put(this.#words, this.#stripes.at(stripe) + layout.PENDING, slot + 1);
    // The row is gone with this store. Pairs with the loads of VERSION in TableReader.
    publish(this.#words, row, layout.emptyVersion(this.#words[row] ?? 0));
    this.unlink(slot, stripe);
    this.#stripes.increment(stripe, layout.DELETES);
    this.#slots.free(slot);
  }

  /** Takes a slot out of its chain; false when it was not in there. */
  unlink(slot: number, stripe: number): boolean {
    const words = this.#words;
    const row = this.#slots.row(slot);
    let link = this.#head(words[row + layout.ROW_HASH] ?? 0);
    while (words[link] !== slot + 1) {
      if (words[link] === 0) return false;
      link = this.#slots.row((words[link] ?? 0) - 1) + layout.ROW_NEXT;
    }
    publish(words, link, words[row + layout.ROW_NEXT] ?? 0);
    const unlinks = this.#stripes.at(stripe) + layout.UNLINKS;
    // Before the slot is free for another chain. Pairs with the loads of UNLINKS in TableReader.
    publish(words, unlinks, ((words[unlinks] ?? 0) + 1) | 0);
    return true;
  }

  /** Removes all rows of a stripe. */
  clear(stripe: number): void {
    for (let bucket = stripe; bucket <= this.#mask; bucket += this.#stripes.count) {
      const head = this.#layout.headsAt + bucket;
      while (this.#words[head] !== 0) this.remove(this.#slots.row((this.#words[head] ?? 0) - 1), stripe);
    }
  }

  /** Calls back with the length of each chain of a stripe. */
  measure(stripe: number, chain: (length: number) => void): void {
    for (let bucket = stripe; bucket <= this.#mask; bucket += this.#stripes.count) {
      let length = 0;
      let next = this.#words[this.#layout.headsAt + bucket] ?? 0;
      for (; next !== 0; length++) next = this.#words[this.#slots.row(next - 1) + layout.ROW_NEXT] ?? 0;
      chain(length);
    }
  }

  /**
   * Brings a stripe in order after the death of its lock's owner: frees the slot it was busy with when no row came
   * of it, and counts the rows anew. Its own death may follow at any store; all of it can be done again.
   */
  recover(stripe: number): void {
    const words = this.#words;
    const slot = (words[this.#stripes.at(stripe) + layout.PENDING] ?? 0) - 1;
    if (slot >= 0) {
      const row = this.#slots.row(slot);
      const owner = Atomics.load(words, row + layout.ROW_STRIPE);
      if (owner === 0) {
        this.#slots.hint(slot);
      } else if (owner === stripe + 1 && ((words[row] ?? 0) & layout.LIVE) === 0) {
        // Without its hash a slot is not linked; what stands there then may be of its last key, even of another stripe.
        if (this.#stripes.of(words[row + layout.ROW_HASH] ?? 0) === stripe) this.unlink(slot, stripe);
        this.#slots.free(slot);
      }
    }
    this.#recount(stripe);
  }

  #recount(stripe: number): void {
    let rows = 0;
    this.measure(stripe, (length) => {
      rows += length;
    });
    const at = this.#stripes.at(stripe);
    const counted = ((this.#words[at + layout.INSERTS] ?? 0) - (this.#words[at + layout.DELETES] ?? 0)) | 0;
    const missing = rows - counted;
    const counter = at + (missing > 0 ? layout.INSERTS : layout.DELETES);
    if (missing !== 0) put(this.#words, counter, ((this.#words[counter] ?? 0) + Math.abs(missing)) | 0);
  }

  #head(hash: number): number {
    return this.#layout.headsAt + (hash & this.#mask);
  }
}
