import type { RowCodec } from './codec.js';
import { fence } from './fence.js';
import type { KeyScratch } from './key.js';
import * as layout from './layout.js';
import { type TableMemory, type Views, viewsOf } from './memory.js';
import { put, tick } from './stores.js';

/** After each so many slots, a walk checks whether it has been led into other chains: it could go round there. */
const LONG_WALK = 64;
/** After so many readings that a writer spoiled, the copy is copied before it is decoded: that is quicker. */
const DIRECT_READS = 4;

/** What is read without a lock. */
export class TableReader {
  readonly #memory: TableMemory;
  readonly #words: Int32Array;
  readonly #layout: layout.TableLayout;
  readonly #rowsAt: number;
  readonly #rowWords: number;
  readonly #headsAt: number;
  readonly #mask: number;
  readonly #copiesAt: number;
  readonly #copyWords: number;
  readonly #codec: RowCodec;
  readonly #key: KeyScratch;
  /** Milliseconds; undefined when rows do not expire. */
  readonly #now: (() => number) | undefined;
  readonly #stamps: boolean;
  /** Where a copy is copied to. */
  #snapshot: Views | undefined;
  /** VERSION of the slot that was found last. */
  #version = 0;

  constructor(memory: TableMemory, codec: RowCodec, key: KeyScratch, now: (() => number) | undefined) {
    const { layout: found } = memory;
    this.#memory = memory;
    this.#words = memory.words;
    this.#layout = found;
    this.#rowsAt = found.rowsAt;
    this.#rowWords = found.rowWords;
    this.#headsAt = found.headsAt;
    this.#mask = found.buckets - 1;
    this.#copiesAt = found.copiesAt;
    this.#copyWords = found.copyWords;
    this.#codec = codec;
    this.#key = key;
    this.#now = now;
    this.#stamps = memory.definition.eviction === 'lru';
  }

  /** The row under the key, or one column of it; undefined when there is none. */
  get(column: number): unknown {
    for (let attempt = 0; ; attempt++) {
      const row = this.#locate();
      if (row < 0) return undefined;
      const copy = row + this.#copiesAt + (this.#version & layout.COPY) * this.#copyWords;
      const now = this.#now;
      const late = now !== undefined && (this.#memory.floats[(copy + layout.EXPIRES) >>> 1] ?? 0) <= now();
      const value = late
        ? undefined
        : attempt < DIRECT_READS
          ? this.#decode(this.#memory, copy, column)
          : this.#decodeSnapshot(copy, column);
      if (!this.#unchanged(row)) continue;
      if (!late && this.#stamps) this.#stamp(row);
      return value;
    }
  }

  has(): boolean {
    for (;;) {
      const row = this.#locate();
      if (row < 0) return false;
      const late = this.#isLate(row);
      if (this.#unchanged(row)) return !late;
    }
  }

  /** The key and the row in a slot, when there is one. `decode` false: the key alone. */
  slot(slot: number, decode: boolean): { readonly key: string; readonly row: unknown } | undefined {
    const row = this.#rowsAt + slot * this.#rowWords;
    for (let attempt = 0; ; attempt++) {
      this.#version = Atomics.load(this.#words, row);
      if ((this.#version & layout.LIVE) === 0) return undefined;
      const late = this.#isLate(row);
      const start = (row + layout.ROW_KEY) * 4;
      const length = Math.min(
        (this.#words[row + layout.ROW_KEY_LENGTH] ?? 0) >>> 0,
        this.#memory.definition.keyBytes,
      );
      const key = this.#memory.bytes.utf8Slice(start, start + length);
      const copy = row + this.#copiesAt + (this.#version & layout.COPY) * this.#copyWords;
      let value: unknown;
      if (decode) {
        value =
          attempt < DIRECT_READS ? this.#decode(this.#memory, copy, -1) : this.#decodeSnapshot(copy, -1);
      }
      if (this.#unchanged(row)) return late ? undefined : { key, row: value };
    }
  }

  /** Finds the slot that has the key, alive when its VERSION, kept here, was loaded; -1 when there is none. */
  #locate(): number {
    const hit = this.#walk(-1, 0);
    if (hit >= 0) return hit;
    // Only what is not found has to be checked: a walk may have followed a slot that was freed into another chain.
    const { stripesAt, stripes } = this.#layout;
    const unlinks = stripesAt + (this.#key.hash & (stripes - 1)) * layout.STRIPE_WORDS + layout.UNLINKS;
    for (;;) {
      // Pairs with the store in Chains.unlink: what was unlinked before this load is not met by the walk.
      const before = Atomics.load(this.#words, unlinks);
      const row = this.#walk(unlinks, before);
      if (row >= 0) return row;
      fence();
      if (Atomics.load(this.#words, unlinks) === before) return -1;
    }
  }

  /** With the word of `unlinks`, the walk ends early when that is no longer as `before`; without (-1), when it is long. */
  #walk(unlinks: number, before: number): number {
    const words = this.#words;
    const { hash } = this.#key;
    // Pairs with the store in Chains.link.
    let next = Atomics.load(words, this.#headsAt + (hash & this.#mask));
    for (let steps = 1; next !== 0; steps++) {
      const row = this.#rowsAt + (next - 1) * this.#rowWords;
      if (words[row + layout.ROW_HASH] === hash) {
        // Pairs with the stores of VERSION in TableWriter and Chains: the copy it names is whole.
        const version = Atomics.load(words, row);
        if (
          (version & layout.LIVE) !== 0 &&
          words[row + layout.ROW_HASH] === hash &&
          this.#key.matches(words, row)
        ) {
          this.#version = version;
          return row;
        }
      }
      if (steps % LONG_WALK === 0 && (unlinks < 0 || Atomics.load(words, unlinks) !== before)) return -1;
      next = words[row + layout.ROW_NEXT] ?? 0;
    }
    return -1;
  }

  /** Whether what has been read since VERSION was loaded is whole. */
  #unchanged(row: number): boolean {
    fence();
    return Atomics.load(this.#words, row) === this.#version;
  }

  #isLate(row: number): boolean {
    if (this.#now === undefined) return false;
    const copy = row + this.#copiesAt + (this.#version & layout.COPY) * this.#copyWords;
    return (this.#memory.floats[(copy + layout.EXPIRES) >>> 1] ?? 0) <= this.#now();
  }

  #decode(views: Views, copy: number, column: number): unknown {
    return column < 0 ? this.#codec.read(views, copy) : this.#codec.access(column).read(views, copy);
  }

  #decodeSnapshot(copy: number, column: number): unknown {
    const bytes = this.#copyWords * 4;
    this.#snapshot ??= viewsOf(new ArrayBuffer(bytes), 0, bytes);
    this.#snapshot.words.set(this.#words.subarray(copy, copy + this.#copyWords));
    return this.#decode(this.#snapshot, 0, column);
  }

  #stamp(row: number): void {
    put(this.#words, row + layout.ROW_USED, tick(this.#words, layout.CLOCK_WORD));
  }
}
