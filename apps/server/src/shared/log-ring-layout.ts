/**
 * The last lines of the log, of all processes, in memory that every process of the server maps. Nothing outside of this file and
 * log-ring.ts knows an offset.
 *
 *   byte   0          64         64 + SLOT_BYTES
 *         ┌──────────┬──────────┬──────────┬──── … ──┐
 *         │ NEXT     │ slot 0   │ slot 1   │         │
 *         └──────────┴──────────┴──────────┴──── … ──┘
 *          int64: the ticket that is given out next, and above its 32 bits how many lines there have been
 *
 *   a slot:
 *   byte   0         4        8        10       12       16
 *         ┌─────────┬────────┬────────┬────────┬────────┬──────────────┐
 *         │ TICKET  │ LINE   │ PART   │ PARTS  │ LENGTH │ LENGTH bytes │
 *         │ int32   │ int32  │ uint16 │ uint16 │ uint32 │ of the line  │
 *         └─────────┴────────┴────────┴────────┴────────┴──────────────┘
 *
 * Many writers, in all processes and threads. A line takes as many tickets in a row as it has parts, and a number, by one atomic addition to NEXT;
 * ticket `t` is slot `t mod SLOTS`, and the oldest line goes. TICKET is 0 while the slot is written, and the ticket plus one when it is
 * whole: a process that is killed in the middle leaves a slot that no reader takes, and nothing that another writer would wait for.
 * A reader that has copied a slot looks at TICKET once more: where it has changed, the line was written over meanwhile.
 */
export const SLOT_BYTES = 256;
export const SLOTS = 4_096;
export const SLOTS_AT = 64;
export const LOG_RING_BYTES = SLOTS_AT + SLOTS * SLOT_BYTES;

/** In words from the beginning of a slot. */
export const TICKET_WORD = 0;
// In bytes.
export const LINE_AT = 4;
export const PART_AT = 8;
export const PARTS_AT = 10;
export const LENGTH_AT = 12;
export const TEXT_AT = 16;

export const PART_BYTES = SLOT_BYTES - TEXT_AT;
/** Longer lines are kept without their end, so that one does not drive all others out. */
export const MOST_PARTS = 64;
