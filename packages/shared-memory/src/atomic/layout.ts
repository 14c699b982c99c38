/**
 * An AtomicUint32, or an AtomicInt64, in a cache line of its own. Nothing outside of this file knows an offset.
 *
 *   byte  0                8
 *         ┌────────┬───────┬─────── … ─┐
 *         │ VALUE  │       │           │   VALUE: uint32, on which waiters sleep while it is 0
 *         │ LONG           │           │   LONG: int64
 *         └────────┴───────┴─────── … ─┘
 *
 * Death: a waker that is killed between its store and its system call leaves sleepers that check again by themselves.
 */
export const VALUE_WORD = 0;
export const LONG_WORD = 0;
export const ATOMIC_BYTES = 64;

/**
 * A Gate, in a cache line of its own too.
 *
 *   byte  0                4
 *         ┌────────────────┬─────── … ─┐
 *         │ EPOCH          │           │   EPOCH: even while it is shut, odd while it is open; counts openings and shuttings
 *         └────────────────┴─────── … ─┘
 *
 * Death: nothing is kept of waiters, so a waiter that dies leaves nothing behind. One that is killed between the store of
 * EPOCH and its system call leaves sleepers that check again by themselves.
 */
export const EPOCH_WORD = 0;
export const GATE_BYTES = 64;

export const isOpenEpoch = (epoch: number): boolean => (epoch & 1) === 1;
