/**
 * A claim: one word in shared memory for each task that is on its way to a task worker. Nothing outside of this file
 * knows a bit of it.
 *
 *   bit   31                   12 11           2 1       0
 *         ┌──────────────────────┬──────────────┬─────────┐
 *         │ SEQUENCE             │ WORKER       │ STATE   │
 *         └──────────────────────┴──────────────┴─────────┘
 *           how often the slot     who has begun  FREE, OFFERED, BEGUN
 *           was used, mod 2^20
 *
 *   FREE ── pool: offer ──→ OFFERED ── worker: begin (CAS) ──→ BEGUN ── pool: offer ──→ OFFERED …
 *                              └────── pool: recall (CAS) ──→ FREE
 *
 * The word decides between the two sides: of a worker that begins and a pool that takes back, one wins. A message whose
 * sequence is not the word's is about a task that has been taken back; it is skipped wherever it is found. And when a
 * worker is dead, its words say which tasks it had begun, to the instruction.
 *
 * Words of one worker fill cache lines of their own: `SLOTS_PER_QUEUE` of them.
 */
const STATE_BITS = 2;
const WORKER_BITS = 10;
const SEQUENCE_SHIFT = STATE_BITS + WORKER_BITS;

export const FREE = 0;
export const OFFERED = 1;
export const BEGUN = 2;

/** Task workers that a word can name. */
export const MAX_WORKERS = 1 << WORKER_BITS;
export const MAX_SEQUENCE = (1 << (32 - SEQUENCE_SHIFT)) - 1;

/** Claims of one worker: what it may run at once and what may wait for it together. Five cache lines. */
export const SLOTS_PER_QUEUE = 80;

export function claimWord(sequence: number, worker: number, state: number): number {
  return (sequence << SEQUENCE_SHIFT) | (worker << STATE_BITS) | state;
}

export function sequenceOf(word: number): number {
  return word >>> SEQUENCE_SHIFT;
}

export function workerOf(word: number): number {
  return (word >>> STATE_BITS) & (MAX_WORKERS - 1);
}

export function stateOf(word: number): number {
  return word & ((1 << STATE_BITS) - 1);
}
