import { DOORBELL_BYTES } from './doorbell.js';
import { ringBytes } from './ring.js';

/**
 * The memory of a link: two rings and the words of two doorbells, for one process or thread at each end.
 *
 *   byte  0             64             128                    128 + R               128 + 2 R
 *         ┌─────────────┬──────────────┬──────────────────────┬─────────────────────┐
 *         │ left's bell │ right's bell │ ring, left → right   │ ring, right → left  │
 *         └─────────────┴──────────────┴──────────────────────┴─────────────────────┘
 *
 * R is a ring's header and capacity, which are the same for both, so that the capacity follows from the length.
 */
export const BELL_AT = { left: 0, right: DOORBELL_BYTES } as const;
const RINGS_AT = 2 * DOORBELL_BYTES;

export type Side = keyof typeof BELL_AT;

export function linkBytes(capacity: number): number {
  return RINGS_AT + 2 * ringBytes(capacity);
}

/** The capacity of each ring in a memory of `length` bytes. */
export function linkCapacity(length: number): number {
  return (length - RINGS_AT) / 2 - ringBytes(0);
}

/** Where the ring lies that `side` writes. */
export function ringAt(side: Side, capacity: number): number {
  return side === 'left' ? RINGS_AT : RINGS_AT + ringBytes(capacity);
}

export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}
