/**
 * The slots of an owner registry. Nothing outside of this file knows an offset.
 *
 *   byte  0         4         8        12       16        20        24        28        32
 *         ┌─────────┬─────────┬────────┬────────┬─────────┬─────────┬─────────┬─────────┐
 *         │ HOLDER            │ READY  │ PID    │ THREAD  │ START_LO│ START_HI│ USERS   │   one slot
 *         │ (token)   (tid)   │        │        │         │         │         │         │
 *         └─────────┴─────────┴────────┴────────┴─────────┴─────────┴─────────┴─────────┘
 *
 *   token, a positive int32:   ┌ generation, from 1 ┬ slot index, INDEX_BITS ┐
 *
 * HOLDER is one 64-bit word, so that a slot is taken for a thread, under a new token, in one step. READY is the token
 * again, once everything that tells its owner from others is written; a token counts only while it stands there.
 *
 * Zeroed memory is an empty registry. Death at any store:
 * - After HOLDER is taken and before READY is stored: no thread has seen the token. The next one in need takes the slot
 *   as soon as no thread has the id in HOLDER.
 * - In `release`, after READY is cleared and before HOLDER is: the same.
 * - At any other moment the slot names a dead thread, and the next one in need takes it under the next generation.
 */
const WORD = 4;

export const SLOT_BYTES = 32;
export const SLOT_WORDS = SLOT_BYTES / WORD;
export const SLOT_LONGS = SLOT_BYTES / 8;

/** In 64-bit words from the start of a slot. */
export const HOLDER_LONG = 0;

/** In 32-bit words from the start of a slot. */
export const READY_WORD = 8 / WORD;
export const PID_WORD = 12 / WORD;
export const THREAD_WORD = 16 / WORD;
export const START_LO_WORD = 20 / WORD;
export const START_HI_WORD = 24 / WORD;
/** How many registries of the owner's thread share the slot; written by that thread alone. */
export const USERS_WORD = 28 / WORD;

/** Bits of a token that hold the slot's index; the other 19 count generations. */
export const INDEX_BITS = 12;
export const INDEX_MASK = (1 << INDEX_BITS) - 1;
export const MAX_SLOTS = 1 << INDEX_BITS;
export const MAX_GENERATION = (1 << (31 - INDEX_BITS)) - 1;

export const DEFAULT_SLOTS = 256;
