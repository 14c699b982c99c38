/**
 * The locks. Nothing outside of this file knows an offset. A token is one of owner/layout.ts.
 *
 *   Mutex, SpinLock
 *   byte  0
 *         ┌────────┬───────── … ─┐
 *         │ OWNER  │             │    0: free; a token: held; with CONTENDED: a thread sleeps on the word
 *         └────────┴───────── … ─┘ 64
 *
 *   ReadWriteLock
 *   byte  0        4         8        12        16       64
 *         ┌────────┬─────────┬────────┬─────────┬── … ───┬────────────────── … ─┐
 *         │ WRITER │ ENTERED │ DRAIN  │ HIGHEST │        │ MARKS, 8 bytes each  │
 *         └────────┴─────────┴────────┴─────────┴── … ───┴────────────────── … ─┘
 *   WRITER as OWNER above: no new reader enters. ENTERED the token of a writer that no reader was left beside. DRAIN
 *   counts readers that left while a writer waited, and is what it sleeps on. HIGHEST is where the marks end
 *   that were ever used. A mark for each slot of the owner
 *   registry: ┌ token of the reader, or 0 ┬ how often ┐, written by that reader alone while it lives.
 *
 *   Semaphore
 *   byte  0         4          8        64
 *         ┌─────────┬──────────┬── … ───┬────────────────── … ─┐
 *         │ COUNT   │ RETURNED │ WAITING│ PERMITS, 4 bytes each│
 *         └─────────┴──────────┴── … ───┴────────────────── … ─┘
 *   A permit is 0 or the token of its owner. RETURNED counts those given back, and is what waiters sleep on; WAITING
 *   is 1 when a thread may sleep.
 *
 *   Barrier
 *   byte  0        4         8          64
 *         ┌────────┬─────────┬─────────┬── … ─┬───────────────── … ─┐
 *         │ EPOCH  │ LEAVES  │ PARTIES │      │ SEATS, 8 bytes each │
 *         └────────┴─────────┴─────────┴── … ─┴───────────────── … ─┘
 *   EPOCH counts how often all have passed, and is what waiters sleep on. LEAVES counts those that gave up. Both change as one
 *   64-bit word: so either all pass, or one of them has left. A seat: ┌ token of the waiter ┬ EPOCH in which it came ┐, the
 *   token negative while that gives it up; one of another epoch, or of a dead thread, is free.
 *
 * Death at any store:
 * - A waiter at a barrier that dies leaves its seat, which the next to come takes. One that dies after it has changed EPOCH and
 *   before it woke the others leaves sleepers that check again by themselves.
 * - A thread that dies with its token in OWNER, WRITER or a permit owned it from the one store that put it there; the
 *   next one finds the token dead and takes the word by a compare-and-swap from that token.
 * - A writer that dies before ENTERED is stored has changed nothing: its successor is not told of a death.
 * - A reader that dies leaves its mark; a writer finds the token dead and clears it.
 * - A thread dies after it has freed a word and before it woke a sleeper: sleepers check again every OWNER_CHECK_MS.
 */
const WORD = 4;

/** The sign bit of OWNER and WRITER: tokens are positive. */
export const CONTENDED = 1 << 31;
export const TOKEN_MASK = ~CONTENDED;

/** What a holder leaves in its word when it closes the lock: no token is that small, so no living thread has it. */
export const ABANDONED = 1;

export const MUTEX_BYTES = 64;
export const OWNER_WORD = 0;

export const WRITER_WORD = 0;
export const ENTERED_WORD = 4 / WORD;
export const DRAIN_WORD = 8 / WORD;
export const HIGHEST_WORD = 12 / WORD;
export const MARKS_WORD = 64 / WORD;
export const MARK_WORDS = 2;
/** In words from the start of a mark. */
export const MARK_COUNT = 1;

export const COUNT_WORD = 0;
export const RETURNED_WORD = 4 / WORD;
export const WAITING_WORD = 8 / WORD;
export const PERMITS_WORD = 64 / WORD;

export const BARRIER_EPOCH_WORD = 0;
/** EPOCH and LEAVES, in 64-bit words. */
export const BARRIER_STATE_LONG = 0;
export const PARTIES_WORD = 8 / WORD;
/** In 64-bit words. */
export const SEATS_LONG = 64 / 8;

/** Two int32 as the one int64 that they are in memory. */
export const packed = (low: number, high: number): bigint =>
  BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(low)));
export const lowOf = (long: bigint): number => Number(BigInt.asIntN(32, long));
export const highOf = (long: bigint): number => Number(BigInt.asIntN(32, long >> 32n));

/** Bytes of a ReadWriteLock for as many owners as its segment has. */
export function readWriteLockBytes(owners: number): number {
  return (MARKS_WORD + owners * MARK_WORDS) * WORD;
}

/** Bytes of a Semaphore. */
export function semaphoreBytes(permits: number): number {
  return Math.ceil(((PERMITS_WORD + permits) * WORD) / 8) * 8;
}

/** Bytes of a Barrier. */
export function barrierBytes(parties: number): number {
  return (SEATS_LONG + parties) * 8;
}
