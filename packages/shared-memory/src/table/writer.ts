import type { Chains } from './chains.js';
import type { RowCodec, RowScratch } from './codec.js';
import type { KeyScratch } from './key.js';
import * as layout from './layout.js';
import type { TableMemory } from './memory.js';
import type { Room } from './room.js';
import type { Slots } from './slots.js';
import { publish, put, tick } from './stores.js';
import type { Stripes } from './stripes.js';
import type { ColumnAccess } from './values.js';

/** What became of a row. */
export const STORED = 0;
export const EXISTS = 1;
export const MISSING = 2;
export const DIFFERENT = 3;
export const FULL = 4;
export type Outcome = typeof STORED | typeof EXISTS | typeof MISSING | typeof DIFFERENT | typeof FULL;

/** Which rows an operation takes: one that is there, a new one, or either. */
export type Mode = 'set' | 'add' | 'update';

/** A full table with eviction tries so often, while others take the room that was made. */
const ROOM_ATTEMPTS = 1000;

interface WriterParts {
  readonly codec: RowCodec;
  readonly key: KeyScratch;
  readonly slots: Slots;
  readonly stripes: Stripes;
  readonly chains: Chains;
  readonly room: Room;
  /** Milliseconds; undefined when rows do not expire. */
  readonly now: (() => number) | undefined;
}

/**
 * What changes rows: always one, the one that has the key, under the lock of its stripe. Values have been encoded and
 * checked before, so that nothing of the user's runs while a lock is held.
 */
export class TableWriter {
  readonly #memory: TableMemory;
  readonly #words: Int32Array;
  readonly #copiesAt: number;
  readonly #copyWords: number;
  readonly #codec: RowCodec;
  readonly #key: KeyScratch;
  readonly #slots: Slots;
  readonly #stripes: Stripes;
  readonly #chains: Chains;
  readonly #room: Room;
  readonly #now: (() => number) | undefined;
  readonly #ttl: number;
  readonly #stamps: boolean;
  /** The result of an increment. */
  #sum: number | bigint = 0;

  constructor(memory: TableMemory, parts: WriterParts) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#copiesAt = memory.layout.copiesAt;
    this.#copyWords = memory.layout.copyWords;
    this.#codec = parts.codec;
    this.#key = parts.key;
    this.#slots = parts.slots;
    this.#stripes = parts.stripes;
    this.#chains = parts.chains;
    this.#room = parts.room;
    this.#now = parts.now;
    this.#ttl = memory.definition.ttl;
    this.#stamps = memory.definition.eviction === 'lru';
  }

  /** Stores what `scratch` names: merged into the row that is there, or as a new one whose other columns are empty. */
  store(mode: Mode, scratch: RowScratch): Outcome {
    const now = this.#touch(scratch);
    const stripe = this.#stripes.of(this.#key.hash);
    for (let attempt = 0; attempt < ROOM_ATTEMPTS; attempt++) {
      this.#stripes.lock(stripe);
      const row = this.#chains.find(this.#key);
      let outcome: Outcome;
      if (row >= 0 && !this.#isLate(row, now)) {
        outcome = mode === 'add' ? EXISTS : STORED;
        if (outcome === STORED) this.#merge(row, stripe, scratch);
      } else {
        outcome = mode === 'update' ? MISSING : this.#create(row, stripe, scratch);
      }
      this.#stripes.unlock(stripe);
      if (outcome !== FULL || !this.#room.make()) return outcome;
    }
    return FULL;
  }

  /** Stores `values` if the row is there and has what `expected` names. */
  compareAndSet(expected: RowScratch, values: RowScratch): Outcome {
    const now = this.#touch(values);
    const stripe = this.#stripes.of(this.#key.hash);
    this.#stripes.lock(stripe);
    const row = this.#find(now);
    const outcome = row < 0 ? MISSING : this.#fits(row, expected) ? STORED : DIFFERENT;
    if (outcome === STORED) this.#merge(row, stripe, values);
    this.#stripes.unlock(stripe);
    return outcome;
  }

  /** Removes the row, if it has what `expected` names. `taken` gets to see the copy with its data before it goes. */
  remove(expected: RowScratch | undefined, taken?: (copy: number) => void): Outcome {
    const now = this.#now?.() ?? 0;
    const stripe = this.#stripes.of(this.#key.hash);
    this.#stripes.lock(stripe);
    const row = this.#find(now);
    const fits = row >= 0 && (expected === undefined || this.#fits(row, expected));
    if (fits) {
      taken?.(this.#copy(row));
      this.#chains.remove(row, stripe);
    }
    this.#stripes.unlock(stripe);
    return fits ? STORED : row < 0 ? MISSING : DIFFERENT;
  }

  /** Adds to a column, of a new row if there is none; undefined when the table is full. */
  increment(column: number, by: unknown, scratch: RowScratch): number | bigint | undefined {
    const now = this.#touch(scratch);
    const stripe = this.#stripes.of(this.#key.hash);
    for (let attempt = 0; attempt < ROOM_ATTEMPTS; attempt++) {
      this.#stripes.lock(stripe);
      const row = this.#chains.find(this.#key);
      const there = row >= 0 && !this.#isLate(row, now);
      try {
        this.#add(scratch, column, by, there ? this.#copy(row) : -1);
      } catch (error) {
        // What was to be added, or the sum, does not fit. Nothing has been changed.
        this.#stripes.unlock(stripe);
        throw error;
      }
      let outcome: Outcome = STORED;
      if (there) this.#merge(row, stripe, scratch);
      else outcome = this.#create(row, stripe, scratch);
      this.#stripes.unlock(stripe);
      if (outcome === STORED) return this.#sum;
      if (!this.#room.make()) return undefined;
    }
    return undefined;
  }

  /** Leaves the sum of the column at `copy` (-1: 0) and `by` in `scratch`. */
  #add(scratch: RowScratch, column: number, by: unknown, copy: number): void {
    const { add } = this.#codec.access(column) as Required<ColumnAccess>;
    if (copy < 0) scratch.views.words.fill(0, this.#codec.at(column), this.#codec.at(column) + 2);
    this.#sum = copy < 0 ? add(scratch.views, 0, by) : add(this.#memory, copy, by);
    this.#codec.encodeOne(column, this.#sum, scratch);
  }

  /** The row with the key, when it is there and has not expired; or -1. */
  #find(now: number): number {
    const row = this.#chains.find(this.#key);
    return row >= 0 && this.#isLate(row, now) ? -1 : row;
  }

  #fits(row: number, expected: RowScratch): boolean {
    return this.#codec.equals(this.#words, this.#copy(row), expected);
  }

  /** Changes a row: the other copy gets its columns, changed and unchanged, and becomes the row in one store. */
  #merge(row: number, stripe: number, scratch: RowScratch): void {
    const version = this.#words[row] ?? 0;
    this.#commit(row, version, scratch, this.#copy(row));
    this.#stripes.increment(stripe, layout.UPDATES);
  }

  /** Makes a new row, in the place of the expired one at `row` (-1: none). */
  #create(row: number, stripe: number, scratch: RowScratch): typeof STORED | typeof FULL {
    if (row >= 0) {
      this.#commit(row, this.#words[row] ?? 0, scratch, -1);
      this.#stripes.increment(stripe, layout.EXPIRED);
      this.#stripes.increment(stripe, layout.DELETES);
      this.#stripes.increment(stripe, layout.INSERTS);
      return STORED;
    }
    const slot = this.#slots.claim(stripe, this.#stripes.at(stripe));
    if (slot < 0) return FULL;
    const at = this.#slots.row(slot);
    this.#key.writeTo(this.#words, at);
    this.#chains.link(slot);
    this.#commit(at, this.#words[at] ?? 0, scratch, -1);
    this.#stripes.increment(stripe, layout.INSERTS);
    return STORED;
  }

  /** Fills the copy that `version` does not name, and makes it the row's. */
  #commit(row: number, version: number, scratch: RowScratch, base: number): void {
    const copy = (version & layout.COPY) ^ layout.COPY;
    this.#codec.compose(this.#words, row + this.#copiesAt + copy * this.#copyWords, scratch, base);
    if (this.#stamps) put(this.#words, row + layout.ROW_USED, tick(this.#words, layout.CLOCK_WORD));
    // The row is as `scratch` says from this store on. Pairs with the loads of VERSION in TableReader.
    publish(this.#words, row, layout.liveVersion(version, copy));
  }

  /** The word at which the copy with a row's data starts. */
  #copy(row: number): number {
    return row + this.#copiesAt + ((this.#words[row] ?? 0) & layout.COPY) * this.#copyWords;
  }

  /** Gives what is about to be written its time to live; returns the time now. */
  #touch(scratch: RowScratch): number {
    if (this.#now === undefined) return 0;
    const now = this.#now();
    this.#codec.setExpiry(scratch, now + this.#ttl);
    return now;
  }

  #isLate(row: number, now: number): boolean {
    if (this.#now === undefined) return false;
    return (this.#memory.floats[(this.#copy(row) + layout.EXPIRES) >>> 1] ?? 0) <= now;
  }
}
