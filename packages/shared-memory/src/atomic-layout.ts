/**
 * An Atomic, or an AtomicLong, in a cache line of its own. Nothing outside of this file knows an offset.
 *
 *   byte  0                8
 *         ┌────────┬───────┬─────── … ─┐
 *         │ VALUE  │       │           │   VALUE: uint32, on which waiters sleep while it is 0
 *         │ LONG           │           │   LONG: int64
 *         └────────┴───────┴─────── … ─┘
 *
 * Death: a waker that is killed between its store and its system call leaves sleepers who look again by themselves.
 */
export const VALUE_WORD = 0;
export const LONG_WORD = 0;
export const ATOMIC_BYTES = 64;
