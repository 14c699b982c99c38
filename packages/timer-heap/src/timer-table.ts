/**
 * What is known of each timer.
 *
 *     slot = id & mask                         (the capacity is a power of two, mask = capacity - 1)
 *
 *     numbers, 4 doubles per slot:   | id | sequence | due | 64 * round + flags |     half a cache line
 *     extras, 2 doubles per slot:    | interval | calls |                             only where they are needed
 *     callbacks, 1 value per slot:   in chunks of 4,096, made when they are first needed, so that none are ever copied
 *
 * There is neither a hash table nor a free list: an id whose slot is taken is skipped and never given out, so
 * ids increase, with gaps. A slot is found without a search; and as 1/8 of all slots at least is free, skipping costs
 * less than eight steps through neighbouring memory per new timer, averaged over one round through the slots.
 */
const CHUNK_BITS = 12;
const IN_CHUNK = (1 << CHUNK_BITS) - 1;

const INITIAL_CAPACITY = 64;
const MAX_LOAD = 7 / 8;

const ID = 0;
const SEQUENCE = 1;
const DUE = 2;
const STATE = 3;
const RECORD_SHIFT = 2;

const INTERVAL = 0;
const CALLS = 1;
const EXTRA_SHIFT = 1;

/** Its callback is on the stack right now. */
export const RUNNING = 1;
/** Cleared inside its own callback: gone for all calls but `info`, which answers until the callback returns. */
export const REMOVED = 2;
/** Does not keep the process alive. */
export const UNREFED = 4;
/** A promise waits for it, and is rejected when it ends without having fired. */
export const AWAITED = 8;
/** Fires again and again. */
export const PERIODIC = 16;
/** Has been called, `calls` times; without it, that number means nothing. */
const CALLED = 32;
const ROUND_UNIT = 64;

export type Callback = (id: number) => unknown;
type Numbers = Float64Array<ArrayBuffer>;

/** Slots are valid until the next `take`, which may move timers. What takes a slot wants one that is in use. */
export class TimerTable {
  /** Ids with the same lower bits as far as this has them share a slot. */
  mask = INITIAL_CAPACITY - 1;
  #numbers: Numbers = new Float64Array(INITIAL_CAPACITY << RECORD_SHIFT);
  /** Has room only as far as it is needed: without periodic timers it stays empty. */
  #extras: Numbers = new Float64Array(0);
  /** Undefined in a free slot, so that nothing is kept in memory that a callback refers to. */
  readonly #callbacks: ((Callback | undefined)[] | undefined)[] = [];
  /** Slots in use. */
  #size = 0;
  #lastId = 0;

  /** Makes a timer with the next id, and returns its slot: not armed, never called, no flags. Grows by doubling. */
  take(callback: Callback, round: number): number {
    if (this.#size >= (this.mask + 1) * MAX_LOAD) this.#grow();
    let id = this.#lastId + 1;
    while (this.#get(id & this.mask, ID) !== 0) id++;
    this.#lastId = id;
    this.#size++;
    const slot = id & this.mask;
    this.#set(slot, ID, id);
    this.#set(slot, SEQUENCE, 0);
    this.#set(slot, STATE, round * ROUND_UNIT);
    this.#setCallback(slot, callback);
    return slot;
  }

  /** Ends a timer, which is not armed any more. */
  free(slot: number): void {
    this.#size--;
    this.#set(slot, ID, 0);
    this.#callbacks[slot >> CHUNK_BITS]![slot & IN_CHUNK] = undefined;
  }

  /** The slot of `id`, or -1. Takes any number. */
  find(id: number): number {
    const slot = id & this.mask;
    return id > 0 && this.#get(slot, ID) === id ? slot : -1;
  }

  /** The ids in use, in no particular order. */
  ids(): number[] {
    const ids: number[] = [];
    for (let slot = 0; slot <= this.mask; slot++) {
      const id = this.#get(slot, ID);
      if (id !== 0) ids.push(id);
    }
    return ids;
  }

  id(slot: number): number {
    return this.#get(slot, ID);
  }

  callback(slot: number): Callback | undefined {
    return this.#callbacks[slot >> CHUNK_BITS]![slot & IN_CHUNK];
  }

  /** Which arming this is, counted over all timers; 0 when it is not armed. */
  sequence(slot: number): number {
    return this.#get(slot, SEQUENCE);
  }

  setSequence(slot: number, sequence: number): void {
    this.#set(slot, SEQUENCE, sequence);
  }

  /** When it is due, in the heap's time; in its callback, when it was. */
  due(slot: number): number {
    return this.#get(slot, DUE);
  }

  setDue(slot: number, due: number): void {
    this.#set(slot, DUE, due);
  }

  /** The heap's round when it was made. */
  round(slot: number): number {
    return Math.floor(this.#get(slot, STATE) / ROUND_UNIT);
  }

  flags(slot: number): number {
    return this.#get(slot, STATE) & (ROUND_UNIT - 1);
  }

  setFlags(slot: number, flags: number): void {
    const state = this.#get(slot, STATE);
    this.#set(slot, STATE, state - (state & (ROUND_UNIT - 1)) + flags);
  }

  /** Milliseconds between two calls; 0 for a timer that fires once. */
  interval(slot: number): number {
    if ((this.flags(slot) & PERIODIC) === 0) return 0;
    return this.#extras[(slot << EXTRA_SHIFT) + INTERVAL]!;
  }

  setInterval(slot: number, ms: number): void {
    this.setFlags(slot, this.flags(slot) | PERIODIC);
    this.#setExtra(slot, INTERVAL, ms);
  }

  /** How many calls have returned. */
  calls(slot: number): number {
    return (this.flags(slot) & CALLED) === 0 ? 0 : this.#extras[(slot << EXTRA_SHIFT) + CALLS]!;
  }

  countCall(slot: number): void {
    this.#setExtra(slot, CALLS, this.calls(slot) + 1);
    this.setFlags(slot, this.flags(slot) | CALLED);
  }

  #get(slot: number, field: number): number {
    return this.#numbers[(slot << RECORD_SHIFT) + field]!;
  }

  #set(slot: number, field: number, value: number): void {
    this.#numbers[(slot << RECORD_SHIFT) + field] = value;
  }

  #setCallback(slot: number, callback: Callback | undefined): void {
    const at = slot >> CHUNK_BITS;
    while (at >= this.#callbacks.length) this.#callbacks.push(undefined);
    const chunk = this.#callbacks[at] ?? [];
    this.#callbacks[at] = chunk;
    while (chunk.length <= (slot & IN_CHUNK)) chunk.push(undefined);
    chunk[slot & IN_CHUNK] = callback;
  }

  #setExtra(slot: number, field: number, value: number): void {
    const at = (slot << EXTRA_SHIFT) + field;
    if (at >= this.#extras.length) this.#extras = resized(this.#extras, (this.mask + 1) << EXTRA_SHIFT);
    this.#extras[at] = value;
  }

  #grow(): void {
    const capacity = this.mask + 1;
    this.mask = 2 * capacity - 1;
    this.#numbers = resized(this.#numbers, 2 * this.#numbers.length);
    for (let slot = 0; slot < capacity; slot++) {
      // A timer stays where it is, or moves up by the old capacity, as the next bit of its id says.
      if ((this.#get(slot, ID) & this.mask) >= capacity) this.#move(slot, slot + capacity);
    }
  }

  #move(from: number, to: number): void {
    this.#numbers.copyWithin(to << RECORD_SHIFT, from << RECORD_SHIFT, (from + 1) << RECORD_SHIFT);
    if (this.flags(from) & (PERIODIC | CALLED)) {
      this.#setExtra(to, INTERVAL, this.#extras[(from << EXTRA_SHIFT) + INTERVAL]!);
      this.#setExtra(to, CALLS, this.#extras[(from << EXTRA_SHIFT) + CALLS]!);
    }
    this.#setCallback(to, this.callback(from));
    this.free(from);
    this.#size++;
  }
}

/** A copy of another length, filled up with 0. */
export function resized(array: Numbers, length: number): Numbers {
  const copy = new Float64Array(length);
  copy.set(array);
  return copy;
}
