/**
 * A table in shared memory. Nothing outside of this file knows an offset.
 *
 *   byte   0        4         8      12         16         20          24
 *          ┌────────┬─────────┬──────┬──────────┬──────────┬───────────┬
 *          │ MAGIC  │ VERSION │ SEED │ TEXT     │                            written once, MAGIC last
 *     64   ├────────┼─────────┴──────┴──────────┴──────────┴───────────┴
 *          │ CLOCK  │                          one tick for each use of a row; only with eviction
 *    128   ├────────┴─────────────────────────────────────────────── … ─┐
 *          │ definition: TEXT bytes of JSON, padded to 64               │
 *          ├───────┬─────────┬─────────┬─────────┬─────────┬─────────┬─── … ┐
 *          │ LOCK  │ PENDING │ UNLINKS │ INSERTS │ UPDATES │ DELETES │ …    │  a stripe, 64 bytes; STRIPES of them
 *          ├───────┴─┬───────┴─┬───────┴ … ────────┴─────────┴─────────┴─── … ┘
 *          │ head    │ head    │ …         slot + 1 of the first row of each of BUCKETS chains, 0: none
 *          ├─────────┼─────────┼ …
 *          │ 32 bits │ 32 bits │ …         hints: a bit for each slot, 1: probably free
 *          ├─────────┴─────────┴────────────────────────────────────── … ─┐
 *          │ slots: ROWS of them, each as below                           │
 *          └─────────────────────────────────────────────────────────── … ┘
 *
 *   slot   ┌─────────┬────────┬──────┬──────┬────────────┬──────┬──────── … ┬────────┬────────┐
 *          │ VERSION │ STRIPE │ NEXT │ HASH │ KEY_LENGTH │ USED │ key       │ copy 0 │ copy 1 │
 *          └─────────┴────────┴──────┴──────┴────────────┴──────┴──────── … ┴────────┴────────┘
 *
 *   copy   columns in the order of the definition (before them EXPIRES, float64 milliseconds, when rows expire):
 *          int64 and float64 take 8 bytes at a multiple of 8; string(n) and bytes(n) a length (int32) and n bytes,
 *          at a multiple of 4.
 *
 * VERSION is the truth about a slot, and the only word that commits anything:
 *
 *          ┌ changes, 30 bits ┬ LIVE ┬ COPY ┐        LIVE: there is a row here. COPY: which copy holds its data.
 *
 * A writer holds the lock of the row's stripe, writes the other copy and stores VERSION. A reader takes no lock:
 * it loads VERSION, reads the copy, and loads VERSION again; the copy it read has been whole if nothing was stored in
 * between, because writers touch only the other one. STRIPE (stripe + 1) says whose a slot is; 0: it is free.
 *
 * Death at any store, of a writer that holds the lock of a stripe. PENDING names the slot it is busy with, and is
 * written before the slot is touched:
 * - insert: claim STRIPE → fill → link to the head of the chain → VERSION. Before VERSION there is no row: the
 *   successor unlinks the slot, if it is linked, and frees it.
 * - update: fill the other copy → VERSION. Before VERSION the row is the old one, and nothing has to be done.
 * - delete: VERSION → unlink → UNLINKS + 1 → free STRIPE → hint. After VERSION there is no row: as for an insert.
 * - the counters: INSERTS - DELETES is the number of rows. The successor counts the rows of the stripe and brings the
 *   one into line that the dead writer had not got to. An update that it had not counted yet stays uncounted.
 * Each of the successor's steps can be its last too: they may all be done twice.
 *
 * UNLINKS tells a reader that its walk may have followed a slot into another chain: a slot is unlinked, then UNLINKS
 * is stored, then the slot is freed. A walk that found nothing holds only if UNLINKS is what it was before.
 */
import type { Definition, StoredColumn } from './definition.js';

export const MAGIC = 0x4d52_5442; // "MRTB"
export const VERSION = 1;

const WORD = 4;
export const MAGIC_WORD = 0 / WORD;
export const FORMAT_WORD = 4 / WORD;
/** What the hash of a key begins with: random, so that keys cannot be chosen to meet in one chain. */
export const SEED_WORD = 8 / WORD;
export const TEXT_WORD = 12 / WORD;
export const CLOCK_WORD = 64 / WORD;
export const TEXT_BYTE = 128;

/** In words from the start of a stripe. */
export const LOCK = 0;
export const PENDING = 1;
export const UNLINKS = 2;
export const INSERTS = 3;
export const UPDATES = 4;
export const DELETES = 5;
export const EXPIRED = 6;
export const EVICTED = 7;
export const RECOVERED = 8;
/** A cache line of its own for each stripe. */
export const STRIPE_WORDS = 64 / WORD;

/** In words from the start of a slot. */
export const ROW_VERSION = 0;
export const ROW_STRIPE = 1;
export const ROW_NEXT = 2;
export const ROW_HASH = 3;
export const ROW_KEY_LENGTH = 4;
export const ROW_USED = 5;
export const ROW_KEY = 6;

/** In VERSION of a slot. */
export const COPY = 1;
export const LIVE = 2;
const CHANGE = 4;

/** In words from the start of a copy, when rows expire. */
export const EXPIRES = 0;

/** Enough that two writers seldom meet, few enough that adding up their counters is quick. */
const MAX_STRIPES = 1024;
const ROWS_PER_STRIPE = 8;
const LINE_BYTES = 64;
const BITS = 32;

/** The VERSION of a slot after this one, with a row in `copy`. */
export function liveVersion(version: number, copy: number): number {
  return ((version & ~(LIVE | COPY)) + CHANGE) | LIVE | copy;
}

/** The VERSION of a slot after this one, without a row. */
export function emptyVersion(version: number): number {
  return ((version & ~(LIVE | COPY)) + CHANGE) | (version & COPY);
}

/** Where a column lies. */
export interface PlacedColumn extends StoredColumn {
  /** In words from the start of a copy. */
  readonly at: number;
  /** Words that it takes, a length included. */
  readonly words: number;
}

/** Where everything of a table lies: in words from its start, unless the name says bytes. */
export interface TableLayout {
  readonly rows: number;
  readonly stripes: number;
  readonly buckets: number;
  readonly textBytes: number;
  readonly stripesAt: number;
  readonly headsAt: number;
  readonly hintsAt: number;
  readonly hintWords: number;
  readonly rowsAt: number;
  readonly rowWords: number;
  /** In words from the start of a slot; copy 1 follows copy 0. */
  readonly copiesAt: number;
  readonly copyWords: number;
  readonly columns: readonly PlacedColumn[];
  readonly bytes: number;
}

/** The layout of a table whose definition takes `textBytes` as text. */
export function layoutOf(definition: Definition, textBytes: number): TableLayout {
  const { rows } = definition;
  const stripes = Math.min(MAX_STRIPES, powerOfTwo(rows / ROWS_PER_STRIPE));
  // At most half a row for each chain, so that most chains that have a row have one.
  const buckets = Math.max(stripes, powerOfTwo(2 * rows));
  const stripesAt = align(TEXT_BYTE + textBytes, LINE_BYTES) / WORD;
  const headsAt = stripesAt + stripes * STRIPE_WORDS;
  const hintsAt = headsAt + buckets;
  const hintWords = Math.ceil(rows / BITS);
  const rowsAt = align((hintsAt + hintWords) * WORD, LINE_BYTES) / WORD;
  const copiesAt = align((ROW_KEY + Math.ceil(definition.keyBytes / WORD)) * WORD, 8) / WORD;
  const { columns, words } = place(definition);
  const copyWords = align(words * WORD, 8) / WORD;
  const rowWords = copiesAt + 2 * copyWords;
  return {
    rows,
    stripes,
    buckets,
    textBytes,
    stripesAt,
    headsAt,
    hintsAt,
    hintWords,
    rowsAt,
    rowWords,
    copiesAt,
    copyWords,
    columns,
    bytes: (rowsAt + rows * rowWords) * WORD,
  };
}

function place({ columns, ttl }: Definition): { columns: PlacedColumn[]; words: number } {
  let words = ttl > 0 ? EXPIRES + 2 : 0;
  const placed = columns.map((column): PlacedColumn => {
    const text = column.type === 'string' || column.type === 'bytes';
    const at = text ? words : align(words, 2);
    const length = text ? 1 + Math.ceil(column.size / WORD) : 2;
    words = at + length;
    return { ...column, at, words: length };
  });
  return { columns: placed, words };
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** The least power of two that is not below `value`, and at least 1. */
function powerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(value)));
}
