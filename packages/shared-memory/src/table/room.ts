import type { Chains } from './chains.js';
import * as layout from './layout.js';
import type { TableMemory } from './memory.js';
import type { Slots } from './slots.js';
import type { Stripes } from './stripes.js';

/** Rows that are sampled to find one to evict: as with Redis, the best of some, not of all. */
const SAMPLES = 16;
/** Milliseconds between two searches for dead writers in a table that can evict: what they hold is not needed at once. */
const RECOVER_EVERY_MS = 100;
/** Expired rows that one call for room removes, at most. */
const SWEEP_ROWS = 64;

/** Makes room in a full table. Holds no lock when it is called, and never two. */
export class Room {
  readonly #memory: TableMemory;
  readonly #words: Int32Array;
  readonly #slots: Slots;
  readonly #stripes: Stripes;
  readonly #chains: Chains;
  readonly #now: (() => number) | undefined;
  #hand = 0;
  #recovered = Number.NEGATIVE_INFINITY;
  /** No row expires before: rows that are written later expire later. In milliseconds, as of `now`. */
  #noneBefore = Number.NEGATIVE_INFINITY;

  constructor(memory: TableMemory, parts: RoomParts) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#slots = parts.slots;
    this.#stripes = parts.stripes;
    this.#chains = parts.chains;
    this.#now = parts.now;
  }

  /** Whether something was freed, so that it makes sense to try again. */
  make(): boolean {
    const evicts = this.#memory.definition.eviction === 'lru';
    if (this.#isTimeToRecover(evicts) && this.#stripes.recoverDead() > 0) return true;
    if (this.#now !== undefined && this.sweep(SWEEP_ROWS) > 0) return true;
    if (evicts) this.#evict();
    return evicts;
  }

  #isTimeToRecover(evicts: boolean): boolean {
    if (!evicts) return true;
    const now = performance.now();
    if (now - this.#recovered < RECOVER_EVERY_MS) return false;
    this.#recovered = now;
    return true;
  }

  /** Removes up to `limit` rows that have expired; returns how many. */
  sweep(limit: number): number {
    const now = this.#now?.() ?? 0;
    if (this.#now === undefined || now < this.#noneBefore) return 0;
    const { rows } = this.#memory.layout;
    let removed = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (let looked = 0; looked < rows; looked++) {
      const row = this.#slots.row(this.#hand);
      this.#hand = (this.#hand + 1) % rows;
      const expires = this.#expiryOf(row);
      if (expires > now) earliest = Math.min(earliest, expires);
      else if (this.#removeIf(row, layout.EXPIRED, () => this.#expiryOf(row) <= now)) {
        if (++removed === limit) return removed;
      }
    }
    // All have been looked at. A row that is being written meanwhile expires later than any of these, or than now + ttl.
    this.#noneBefore = Math.min(earliest, now + this.#memory.definition.ttl);
    return removed;
  }

  /** Milliseconds; infinite for a slot without a row. Without its stripe's lock this is a guess. */
  #expiryOf(row: number): number {
    const version = Atomics.load(this.#words, row);
    if ((version & layout.LIVE) === 0) return Number.POSITIVE_INFINITY;
    const { copiesAt, copyWords } = this.#memory.layout;
    const copy = row + copiesAt + (version & layout.COPY) * copyWords;
    return this.#memory.floats[(copy + layout.EXPIRES) >>> 1] ?? 0;
  }

  #evict(): void {
    const { rows } = this.#memory.layout;
    const clock = Atomics.load(this.#words, layout.CLOCK_WORD);
    const all = rows <= SAMPLES;
    let oldest = -1;
    let age = -1;
    for (let i = 0; i < (all ? rows : SAMPLES); i++) {
      const row = this.#slots.row(all ? i : Math.floor(Math.random() * rows));
      if ((Atomics.load(this.#words, row) & layout.LIVE) === 0) continue;
      // Modulo 2^32: the clock may have gone round.
      const unused = (clock - (this.#words[row + layout.ROW_USED] ?? 0)) >>> 0;
      if (unused > age) {
        age = unused;
        oldest = row;
      }
    }
    if (oldest < 0) return;
    const version = Atomics.load(this.#words, oldest);
    this.#removeIf(oldest, layout.EVICTED, () => Atomics.load(this.#words, oldest) === version);
  }

  /** Removes a row if `condition` holds under the lock of its stripe; the remover counts. */
  #removeIf(row: number, counter: number, condition: () => boolean): boolean {
    const stripe = this.#stripes.of(this.#words[row + layout.ROW_HASH] ?? 0);
    this.#stripes.lock(stripe);
    const owned = this.#words[row + layout.ROW_STRIPE] === stripe + 1;
    const remove = owned && ((this.#words[row] ?? 0) & layout.LIVE) !== 0 && condition();
    if (remove) {
      this.#stripes.increment(stripe, counter);
      this.#chains.remove(row, stripe);
    }
    this.#stripes.unlock(stripe);
    return remove;
  }
}

interface RoomParts {
  readonly slots: Slots;
  readonly stripes: Stripes;
  readonly chains: Chains;
  /** Milliseconds; undefined when rows do not expire. */
  readonly now: (() => number) | undefined;
}
