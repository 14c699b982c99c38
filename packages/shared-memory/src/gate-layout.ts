/**
 * A Gate in a cache line of its own. Nothing outside of this file knows an offset.
 *
 *   byte  0                4
 *         ┌────────────────┬─────── … ─┐
 *         │ EPOCH          │           │   EPOCH: even while it is shut, odd while it is open; counts openings and shuttings
 *         └────────────────┴─────── … ─┘
 *
 * Death: nothing is kept of who waits, so a waiter that dies leaves nothing behind. One that is killed between the store of
 * EPOCH and its system call leaves sleepers who look again by themselves.
 */
export const EPOCH_WORD = 0;
export const GATE_BYTES = 64;

export const isOpenEpoch = (epoch: number): boolean => (epoch & 1) === 1;
