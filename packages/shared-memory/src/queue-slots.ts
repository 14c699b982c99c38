import { SharedMemoryError } from './errors.js';
import * as layout from './queue-layout.js';
import type { QueueMemory } from './queue-memory.js';
import type { QueueSleepers } from './queue-sleepers.js';

/** The slots of a queue as one member sees them: their states, and the search for a free one. */
export class QueueSlots {
  readonly #words: Int32Array;
  readonly #geometry: layout.QueueGeometry;
  readonly #member: number;
  readonly #posters: QueueSleepers;
  readonly #mask: number;
  /** Where the search for a free slot goes on. Slots come free about in the order of their claims. */
  #cursor: number;
  #freed = 0;

  constructor({ words, geometry }: QueueMemory, member: number, posters: QueueSleepers) {
    this.#words = words;
    this.#geometry = geometry;
    this.#member = member;
    this.#posters = posters;
    this.#mask = geometry.slots - 1;
    // Members begin their search far from each other.
    this.#cursor = Math.floor((member * geometry.slots) / geometry.members);
  }

  /** How many slots this object has freed. */
  get freed(): number {
    return this.#freed;
  }

  /** Pairs with every compare-and-swap of a state: what its maker wrote to the slot before it is visible. */
  state(slot: number): number {
    return Atomics.load(this.#words, this.#geometry.states + slot);
  }

  /** Changes a slot's state; false when it is not, or no longer, `from`. */
  change(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.#geometry.states + slot, from, to) === from;
  }

  /** The word at which a slot begins. */
  at(slot: number): number {
    return this.#geometry.slotsAt + slot * this.#geometry.slotWords;
  }

  /** The state of `kind` for this member, in the generation of `state`. */
  mine(kind: number, state: number): number {
    return layout.stateOf(kind, this.#member, layout.generationOf(state));
  }

  /** The state of `kind` for this member, in the generation after that of `state`. */
  mineNext(kind: number, state: number): number {
    return layout.stateOf(kind, this.#member, this.#next(state));
  }

  /** Finds a free slot and marks it as written by this member; -1 when there is none. */
  claim(): number {
    for (let i = 0; i <= this.#mask; i++) {
      const slot = (this.#cursor + i) & this.#mask;
      const state = this.state(slot);
      if (layout.kindOf(state) !== layout.FREE) continue;
      if (!this.change(slot, state, this.mine(layout.WRITING, state))) continue;
      this.#cursor = slot + 1;
      return slot;
    }
    return -1;
  }

  /** Whether a slot is free at this moment. */
  anyFree(): boolean {
    for (let slot = 0; slot <= this.#mask; slot++)
      if (layout.kindOf(this.state(slot)) === layout.FREE) return true;
    return false;
  }

  /** How many slots are FREE, WRITING, READY, TAKEN and WITHDRAWN. */
  count(): [number, number, number, number, number] {
    const counts: [number, number, number, number, number] = [0, 0, 0, 0, 0];
    for (let slot = 0; slot <= this.#mask; slot++) {
      const kind = layout.kindOf(this.state(slot));
      if (kind < counts.length) (counts[kind] as number)++;
    }
    return counts;
  }

  /** Frees a slot whose state is `from`, and wakes one that waits for it; false when the state is another. */
  free(slot: number, from: number): boolean {
    if (!this.change(slot, from, layout.stateOf(layout.FREE, 0, this.#next(from)))) return false;
    this.#freed++;
    // After the change above; pairs with `claim` after `sleep` in SharedQueue.awaitRoom.
    this.#posters.ringOne();
    return true;
  }

  /** The number by which a message is known to who posted or took it. */
  ticket(slot: number, state: number): number {
    return (layout.generationOf(state) << this.#geometry.slotBits) | slot;
  }

  slotOf(ticket: number): number {
    return ticket & this.#mask;
  }

  /** The state of `kind` for this member, of the ticket's generation. */
  mineOf(kind: number, ticket: number): number {
    return layout.stateOf(kind, this.#member, ticket >>> this.#geometry.slotBits);
  }

  /** Whether `state` is of the ticket's generation. */
  isOf(state: number, ticket: number): boolean {
    return layout.generationOf(state) === ticket >>> this.#geometry.slotBits;
  }

  /** What this member holds has another state: somebody has declared it dead while it lives, or wrote over it. */
  lost(slot: number, expected: number): SharedMemoryError {
    const { kindOf, memberOf, generationOf } = layout;
    const name = (state: number) =>
      `kind ${kindOf(state)}, member ${memberOf(state)}, generation ${generationOf(state)}`;
    return new SharedMemoryError(
      'ERR_MILLRACE_QUEUE_TICKET',
      `Slot ${slot} is not in the hand of member ${this.#member} (${name(this.state(slot))}; expected ${name(expected)}): ` +
        'it was given back before, or the member was declared dead while it lives.',
    );
  }

  #next(state: number): number {
    return (layout.generationOf(state) + 1) & this.#geometry.generationMask;
  }
}
