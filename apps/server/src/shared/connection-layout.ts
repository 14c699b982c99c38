/**
 * The table of connections, in memory that every process of the server maps. Nothing outside of this file knows an
 * offset.
 *
 *   The slot of session `id` is `id mod CAPACITY`. In base mode CAPACITY is a multiple of the number of workers, and the
 *   ids of a worker all leave the same remainder: so each worker has slots of its own. A slot, three cache lines:
 *
 *   byte   0        4        8       12       16       20       24       28
 *         ┌────────┬────────┬────────┬────────┬────────┬────────┬────────┬─────────────┐
 *         │ STATE  │ PORT   │ REACTOR│ WORKER │ UID    │ FLAGS  │ REASON │ REMOTE_PORT │
 *     32  ├────────┴────────┼────────┴────────┼────────┼────────┼────────┴─────────────┤
 *         │ SESSION         │ CONNECT_TIME    │ HOST_  │ SESSION│ TLS_                 │
 *         │ float64         │ float64         │ LENGTH │ _LOW   │ _CELL                │
 *     64  ├─────────────────┴─────────────────┴────────┴────────┴──────────────────────┤
 *         │ HOST, 64 bytes of text                                                     │
 *    128  ├────────┬────────┬────────┬────────┬─────────────────┬──────────────────────┤
 *         │ SEQ    │ TAKEN  │ QUEUED │ 0      │ RECEIVED_AT     │ SENT_AT              │
 *         │        │        │        │        │ float64         │ float64              │
 *    160  ├────────┴────────┼────────┴────────┴─────────────────┴──────────────────────┤
 *         │ DISPATCHED_AT   │ 0                                                        │
 *         └─────────────────┴──────────────────────────────────────────────────────────┘
 *
 * One writer: the reactor thread of the session. The first two lines are its *record*; it changes seldom and is
 * guarded by SEQ, which is odd while it changes: a reader copies the record and looks whether SEQ was even and has
 * stayed. The writer lives in the master, so it cannot die between the two stores without everybody else. In base mode
 * it is a worker, which can: then the manager writes next (base/reaper.ts), and until it has, readers wait for no longer
 * than a moment.
 *
 * What follows SEQ changes with each message, and each field is read by itself: aligned stores of 4 and 8 bytes are
 * whole on x64 and arm64. Times are milliseconds since 1970. TAKEN counts the bytes for the client that the reactor
 * thread has got from anybody, modulo 2^32; QUEUED is how many of them the kernel has not taken yet.
 */
export const SLOT_BYTES = 192;

const WORD = 4;
export const SLOT_WORDS = SLOT_BYTES / WORD;
/** Words of the record. */
export const RECORD_WORDS = 128 / WORD;

// Within the record, in words.
export const STATE_WORD = 0;
export const PORT_WORD = 1;
export const REACTOR_WORD = 2;
export const WORKER_WORD = 3;
export const UID_WORD = 4;
export const FLAGS_WORD = 5;
export const REASON_WORD = 6;
export const REMOTE_PORT_WORD = 7;
/** In units of float64. */
export const SESSION_DOUBLE = 4;
export const CONNECT_TIME_DOUBLE = 5;
export const HOST_LENGTH_WORD = 12;
/** In bytes. */
export const HOST_AT = 64;
export const HOST_BYTES = 64;
/** SESSION modulo 2^32: enough to tell the sessions of a slot apart, in one load. */
export const SESSION_LOW_WORD = 13;
/** Where more is told of a client that came by TLS (tls-layout.ts), counted from 1; 0: nowhere. */
export const TLS_CELL_WORD = 14;

// Behind the record, in words and float64 from the beginning of the slot.
export const SEQ_WORD = 128 / WORD;
export const TAKEN_WORD = 132 / WORD;
export const QUEUED_WORD = 136 / WORD;
export const RECEIVED_AT_DOUBLE = 144 / 8;
export const SENT_AT_DOUBLE = 152 / 8;
export const DISPATCHED_AT_DOUBLE = 160 / 8;

export const FREE = 0;
export const OPEN = 1;
/** It is to be closed once what is queued has been sent; nothing more is accepted. */
export const CLOSING = 2;
/** The last that the slot tells of it, until another session needs the slot. */
export const CLOSED = 3;

export const FLAG_PROTECTED = 1;
export const FLAG_BOUND = 2;
export const FLAG_PAUSED = 4;
export const FLAG_FULL = 8;

/** Slots for so many connections: a power of two with some to spare, so that a free one is near. */
export function capacityFor(maxConnections: number): number {
  return 2 ** Math.ceil(Math.log2(maxConnections * 1.25 + 1));
}
