/**
 * What is known of each timer. The part that arming and firing touch is one record of 32 bytes, half a cache line:
 *
 *     slot n:    | id | sequence | due | flags |        numbers[4 * n + ID, SEQUENCE, DUE or FLAGS]
 *
 *     slot = id & mask                                (the capacity is a power of two, mask = capacity - 1)
 *
 * There is neither a hash table nor a free list: an id whose slot is taken is skipped and never given to anybody, so
 * ids increase, with gaps. A slot is found without a search; and as 1/8 of all slots at least is free, skipping costs
 * less than eight steps through neighbouring memory per new timer, averaged over one round through the slots.
 */
export const RECORD_SHIFT = 2;
/** 0: the slot is free. */
export const ID = 0;
/** Which arming this is, counted over all timers; 0 when it is not armed. */
export const SEQUENCE = 1;
/** When it is due, in the heap's time; in its callback, when it was. */
export const DUE = 2;
/** The bits below. */
export const FLAGS = 3;

/** Its callback is on the stack right now. */
export const RUNNING = 1;
/** Cleared inside its own callback: gone for everybody, but `info` answers until the callback returns. */
export const REMOVED = 2;
/** Does not keep the process alive. */
export const UNREFED = 4;
/** Somebody waits for it and is to be told when it ends without having fired. */
export const AWAITED = 8;
/** Fires each `intervals[slot]` milliseconds. Without it, that number means nothing. */
export const PERIODIC = 16;
/** Has been called `counts[slot]` times. Without it, that number means nothing, and it has not been called. */
export const COUNTED = 32;

export type Callback = (id: number) => unknown;

const INITIAL_CAPACITY = 64;
const MAX_LOAD = 7 / 8;

/** All arrays are valid until the next `take`, which may replace them and move timers to other slots. */
export class TimerTable {
  mask = INITIAL_CAPACITY - 1;
  numbers = new Float64Array(INITIAL_CAPACITY << RECORD_SHIFT);
  /** What only `info` and periodic timers need. */
  rounds = new Float64Array(INITIAL_CAPACITY);
  intervals = new Float64Array(INITIAL_CAPACITY);
  counts = new Float64Array(INITIAL_CAPACITY);
  /** Undefined in a free slot, so that nothing is kept in memory that a callback refers to. */
  readonly callbacks: (Callback | undefined)[] = new Array(INITIAL_CAPACITY).fill(undefined);
  /** Slots in use. */
  #size = 0;
  #lastId = 0;

  /** Makes a timer with the next id, and returns its slot: not armed, never called, no flags. Grows by doubling. */
  take(callback: Callback, round: number): number {
    if (this.#size >= (this.mask + 1) * MAX_LOAD) this.#grow();
    const { numbers, mask } = this;
    let id = this.#lastId + 1;
    while (numbers[((id & mask) << RECORD_SHIFT) + ID] !== 0) id++;
    this.#lastId = id;
    this.#size++;
    const slot = id & mask;
    const record = slot << RECORD_SHIFT;
    numbers[record + ID] = id;
    numbers[record + SEQUENCE] = 0;
    numbers[record + FLAGS] = 0;
    this.rounds[slot] = round;
    this.callbacks[slot] = callback;
    return slot;
  }

  /** The slot of `id`, or -1. Takes any number. */
  find(id: number): number {
    const slot = id & this.mask;
    return id > 0 && this.numbers[(slot << RECORD_SHIFT) + ID] === id ? slot : -1;
  }

  /** Ends the timer in `slot`, which is not armed any more. */
  free(slot: number): void {
    this.#size--;
    this.numbers[(slot << RECORD_SHIFT) + ID] = 0;
    this.callbacks[slot] = undefined;
  }

  /** The ids in use, in no particular order. */
  ids(): number[] {
    const ids: number[] = [];
    for (let at = ID; at < this.numbers.length; at += 1 << RECORD_SHIFT) {
      const id = this.numbers[at]!;
      if (id !== 0) ids.push(id);
    }
    return ids;
  }

  /** A timer stays where it is or moves up by the old capacity, as the new bit of its id says. */
  #grow(): void {
    const { callbacks } = this;
    const capacity = this.mask + 1;
    this.mask = 2 * capacity - 1;
    this.numbers = doubled(this.numbers);
    this.rounds = doubled(this.rounds);
    this.intervals = doubled(this.intervals);
    this.counts = doubled(this.counts);
    for (let slot = 0; slot < capacity; slot++) {
      const record = slot << RECORD_SHIFT;
      if ((this.numbers[record + ID]! & this.mask) === slot || this.numbers[record + ID] === 0) {
        callbacks.push(undefined);
        continue;
      }
      const upper = slot + capacity;
      this.numbers.copyWithin(upper << RECORD_SHIFT, record, (slot + 1) << RECORD_SHIFT);
      this.numbers[record + ID] = 0;
      this.rounds[upper] = this.rounds[slot]!;
      this.intervals[upper] = this.intervals[slot]!;
      this.counts[upper] = this.counts[slot]!;
      callbacks.push(callbacks[slot]);
      callbacks[slot] = undefined;
    }
  }
}

/** A copy with room for twice as much. */
export function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(2 * array.length);
  copy.set(array);
  return copy;
}
