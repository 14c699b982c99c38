/**
 * A single-producer single-consumer ring of messages in shared memory. Nothing outside of this file knows an offset.
 *
 *   byte  0        4         8
 *         ┌────────┬─────────┬──────────┐
 *         │ MAGIC  │ VERSION │ CAPACITY │                         written once, MAGIC last
 *     64  ├────────┼─────────┴──────────┘
 *         │ TAIL   │                     the writer's line: bytes published since the start
 *    128  ├────────┼─────────┐
 *         │ TAKEN  │ HEAD    │           the reader's line: bytes taken, bytes whose room is free again
 *    192  ├────────┼─────────┘
 *         │ WAITING│                     1: the writer met a full ring and wants to be woken
 *    256  ├────────┴──────────────────── … ───┐
 *         │ data, CAPACITY bytes              │
 *         └────────────────────────────── … ──┘
 *
 *   record, aligned to 8 bytes, never wrapped (a PADDING record fills the end of the data):
 *         ┌────────┬────────┬──────────────┬─────────┐
 *         │ LENGTH │ KIND   │ LENGTH bytes │ 0 … 7   │
 *         └────────┴────────┴──────────────┴─────────┘
 *
 * Positions count bytes since the start, modulo 2^32, and are compared by their difference: TAIL - TAKEN is what is
 * unread, TAKEN - HEAD what the reader still looks at, CAPACITY - (TAIL - HEAD) what is free.
 *
 * Death at any store:
 * - A writer that dies before the store of TAIL has published nothing; its successor writes over it. One that dies
 *   between fragments leaves a message without an end: its successor begins with another kind than MIDDLE or LAST,
 *   and the reader drops what it has and counts it.
 * - A reader stores TAKEN before it looks at a message and HEAD after. Its successor starts at TAKEN and frees the
 *   rest: the message in hand is gone, and no other; none is seen twice.
 */
export const MAGIC = 0x4d52_494e; // "MRIN"
export const VERSION = 1;

const WORD = 4;
export const MAGIC_WORD = 0 / WORD;
export const VERSION_WORD = 4 / WORD;
export const CAPACITY_WORD = 8 / WORD;
export const TAIL_WORD = 64 / WORD;
export const TAKEN_WORD = 128 / WORD;
export const HEAD_WORD = 132 / WORD;
export const WAITING_WORD = 192 / WORD;
export const HEADER_BYTES = 256;
export const DATA_WORD = HEADER_BYTES / WORD;

/** Records begin at multiples of this, so that a header never wraps. */
export const ALIGNMENT = 8;
export const RECORD_HEADER_BYTES = 8;
/** FIRST records carry the whole message's length, in as many bytes, before its first piece. */
export const TOTAL_BYTES = 8;

export const WHOLE = 1;
export const FIRST = 2;
export const MIDDLE = 3;
export const LAST = 4;
export const PADDING = 5;

export const MIN_CAPACITY = 4096;
export const MAX_CAPACITY = 1 << 30;

/** The largest piece of a message in one record: four of them fit, so that writer and reader overlap. */
export function maxPiece(capacity: number): number {
  return capacity / 4 - RECORD_HEADER_BYTES - TOTAL_BYTES;
}

/** Bytes that a record with `length` bytes takes. */
export function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + (ALIGNMENT - 1)) & ~(ALIGNMENT - 1);
}
