import { SharedMemoryError } from './errors.js';
import * as layout from './queue-layout.js';
import type { QueueMemory } from './queue-memory.js';
import type { QueueSlots } from './queue-slots.js';

/**
 * The order of messages: a bounded queue of slot numbers, for many at each end, that no death can stop. It has an
 * entry for each slot and a slot is in it once, so it is never full.
 *
 * Implementation notes. After Tsigas and Zhang (2001) and Shann, Huang and Chen (2000): the compare-and-swap of the
 * entry is what counts, HEAD and TAIL follow and anyone moves them. Entries hold their own lap, which those papers
 * get from a wider word. Messages become gone only at HEAD, so the entries from HEAD to TAIL are some that are gone and
 * then only such as have a slot each: with a slot of its own in hand, `append` finds room once the gone are passed.
 */
export class QueueLane {
  readonly #words: Int32Array;
  readonly #slots: QueueSlots;
  readonly #index: number;
  readonly #size: number;
  readonly #mask: number;
  readonly #head: number;
  readonly #tail: number;
  readonly #entries: number;
  /** HEAD as last seen; the true one can only be further on. */
  #seenHead: number;
  /** What `#vacant` found in the entry. */
  #vacantEntry = 0;
  /** Of the message that `front` found: its slot's state and its position. */
  #frontState = 0;
  #frontPosition = 0;

  constructor({ words, geometry }: QueueMemory, slots: QueueSlots, index: number) {
    const at = geometry.lanes + index * geometry.laneWords;
    this.#words = words;
    this.#slots = slots;
    this.#index = index;
    this.#size = geometry.slots;
    this.#mask = geometry.slots - 1;
    this.#head = at + layout.HEAD;
    this.#tail = at + layout.TAIL;
    this.#entries = at + layout.ENTRIES;
    this.#seenHead = Atomics.load(words, this.#head);
  }

  /** Entries from HEAD to TAIL: those that wait, and some that are gone or withdrawn. */
  get length(): number {
    const head = Atomics.load(this.#words, this.#head);
    return Math.max(0, (Atomics.load(this.#words, this.#tail) - head) | 0);
  }

  /**
   * Publishes the message of a slot that this member holds, whose state goes from `held` to `ready`, and puts it at
   * the end. It can be taken once its entry is stored.
   */
  append(slot: number, held: number, ready: number): void {
    const at = this.#slots.at(slot);
    this.#words[at + layout.TARGET] = this.#index;
    let published = false;
    for (;;) {
      const tail = this.#vacant();
      // Before the state is READY, and before the entry: whoever finds the entry finds that it is this message's.
      this.#words[at + layout.POSITION] = tail;
      if (!published && !this.#slots.change(slot, held, ready)) throw this.#slots.lost(slot, held);
      published = true;
      // Publishes the message; pairs with the load of the entry in `front`, and precedes the look for a sleeper.
      if (this.#swap(this.#entryAt(tail), this.#vacantEntry, this.#entry(tail, slot))) {
        this.#swap(this.#tail, tail, (tail + 1) | 0);
        return;
      }
    }
  }

  /** Whether the READY message of a dead member's slot is in this lane. */
  holds(slot: number): boolean {
    const position = this.#words[this.#slots.at(slot) + layout.POSITION] as number;
    return Atomics.load(this.#words, this.#entryAt(position)) === this.#entry(position, slot);
  }

  /** Takes the first message into this member's hand: its ticket, or -1. */
  take(): number {
    for (;;) {
      const slot = this.front();
      if (slot < 0) return -1;
      const state = this.#frontState;
      // From here on the message is in this member's hand, and `abandon` finds it there.
      if (!this.#slots.change(slot, state, this.#slots.mine(layout.TAKEN, state))) continue;
      this.#swap(this.#head, this.#frontPosition, (this.#frontPosition + 1) | 0);
      return this.#slots.ticket(slot, state);
    }
  }

  /** The slot of the first message that waits, or -1. Passes what is gone, and frees what was withdrawn. */
  front(): number {
    for (;;) {
      const head = Atomics.load(this.#words, this.#head);
      const entry = Atomics.load(this.#words, this.#entryAt(head));
      if (!this.#isOf(entry, head)) {
        if (Atomics.load(this.#words, this.#head) === head) return -1;
        continue;
      }
      const slot = entry & this.#mask;
      const state = this.#slots.state(slot);
      const kind = layout.kindOf(state);
      if ((kind === layout.READY || kind === layout.WITHDRAWN) && this.#isAt(slot, head)) {
        if (kind === layout.READY) {
          this.#frontState = state;
          this.#frontPosition = head;
          return slot;
        }
        if (!this.#slots.free(slot, state)) continue;
      }
      // The message of this position is gone, and stays so: whoever moves HEAD first, it is right.
      this.#swap(this.#head, head, (head + 1) | 0);
    }
  }

  /** A position whose entry is left from the lap before, and its lap's own is not yet written. */
  #vacant(): number {
    for (;;) {
      const tail = Atomics.load(this.#words, this.#tail);
      const entry = Atomics.load(this.#words, this.#entryAt(tail));
      if (this.#isOf(entry, tail)) {
        // Its writer has not moved TAIL yet, or is dead.
        this.#swap(this.#tail, tail, (tail + 1) | 0);
        continue;
      }
      if (!this.#isOf(entry, tail - this.#size)) {
        // It is of a later lap, so TAIL has moved on since.
        if (Atomics.load(this.#words, this.#tail) === tail) throw this.#corrupt('entry', entry, tail);
        continue;
      }
      if (!this.#passed(tail)) continue;
      this.#vacantEntry = entry;
      return tail;
    }
  }

  /** Whether HEAD has passed the entry that is to be overwritten at `tail`; false when `tail` is taken by now. */
  #passed(tail: number): boolean {
    if ((tail - this.#seenHead) >>> 0 < this.#size) return true;
    this.front();
    // Pairs with the swaps of HEAD: the messages before it are gone.
    this.#seenHead = Atomics.load(this.#words, this.#head);
    const distance = (tail - this.#seenHead) | 0;
    // HEAD may be ahead of TAIL: a message can be taken once its entry is stored, before TAIL is moved.
    if (distance >= 0 && distance < this.#size) return true;
    if (distance < 0 || Atomics.load(this.#words, this.#tail) !== tail) return false;
    throw this.#corrupt('head', this.#seenHead, tail);
  }

  /** Whether the message of a slot is the one that was put at this position of this lane. */
  #isAt(slot: number, position: number): boolean {
    const at = this.#slots.at(slot);
    return this.#words[at + layout.POSITION] === position && this.#words[at + layout.TARGET] === this.#index;
  }

  #entryAt(position: number): number {
    return this.#entries + (position & this.#mask);
  }

  #entry(position: number, slot: number): number {
    return ((position + this.#size) & ~this.#mask) | slot;
  }

  #isOf(entry: number, position: number): boolean {
    return ((entry ^ (position + this.#size)) & ~this.#mask) === 0;
  }

  #swap(at: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, at, from, to) === from;
  }

  #corrupt(what: string, value: number, tail: number): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_QUEUE_CORRUPT',
      `Lane ${this.#index} has the ${what} ${value} while its tail is ${tail} of ${this.#size}; it cannot be used on.`,
    );
  }
}
