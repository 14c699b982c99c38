import type { ListenerIndex, SessionId, Unchecked } from '../contract/ids.js';
/**
 * The table of connections, in memory that every process of the server maps. Nothing outside of this file knows an
 * offset.
 *
 *   The slot of session `id` is `id mod CAPACITY`. In base mode CAPACITY is a multiple of the number of workers, and the
 *   ids of a worker all leave the same remainder: so each worker has slots of its own. A slot, two cache lines:
 *
 *   byte   0         4         8         12        16        20        24        28
 *         ┌─────────┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────┐
 *         │ STATE   │ SESSION │ UID     │ FLAGS   │ REASON  │ REACTOR │ WORKER  │ ENDS    │
 *         │         │ _LOW    │         │         │         │         │         │         │
 *     32  ├─────────┴─────────┼─────────┴─────────┼─────────┴─────────┴─────────┴─────────┤
 *         │ SESSION float64   │ CONNECT_TIME f64  │ HOST, 40 bytes of text                │
 *     64  ├─────────┄─────────┄─────────┄─────────┄─────────┄─────────┬─────────┬─────────┤
 *         │ HOST                                                      │ TLS_CELL│ SEQ     │
 *     96  ├─────────┬─────────┬───────────────────┬───────────────────┼─────────┴─────────┤
 *         │ TAKEN   │ QUEUED  │ RECEIVED_AT f64   │ SENT_AT float64   │ DISPATCHED_AT f64 │
 *         └─────────┴─────────┴───────────────────┴───────────────────┴───────────────────┘
 *
 *   ENDS   bits   0        16       24      32
 *                 ┌────────┬────────┬───────┐   the client's port, the index of the listener,
 *                 │ REMOTE │ LISTEN │ HOST_ │   and how many bytes of HOST there are: the
 *                 │ _PORT  │ ER     │ LENGTH│   longest IPv6 address as text has 39
 *                 └────────┴────────┴───────┘
 *
 * One writer: the reactor thread of the session. What comes before SEQ is its *record*; it changes seldom and is
 * guarded by SEQ, which is odd while it changes: a reader copies the record and checks whether SEQ was even and has
 * stayed. The writer lives in the master, so it cannot die between the two stores without the rest of the server. In base mode
 * it is a worker, which can: then the manager writes next (base/reaper.ts), and until it has, readers wait for no longer
 * than a moment.
 *
 * What follows SEQ changes with each message, and each field is read by itself: aligned stores of 4 and 8 bytes are
 * whole on x64 and arm64. Times are milliseconds since 1970. TAKEN counts the bytes for the client that the reactor
 * thread has got from all processes, modulo 2^32; QUEUED is how many of them the kernel has not taken yet.
 *
 * Behind all slots lies one word for each, CLOSE_ASKED, which any process writes:
 *
 *   bits   0       2                              32
 *         ┌───────┬──────────────────────────────┐   how hard a close was asked for: 0, CLOSE, RESET; and the session
 *         │ LEVEL │ SESSION modulo 2^30          │   that it was asked for: a process that comes late does not mark the
 *         └───────┴──────────────────────────────┘   next session of the slot
 *
 * It says who was first, and nothing else: an order to close is sent whatever it says, so a process that dies between the
 * word and the order leaves a session that can be closed.
 *
 *   Behind those lies one word more for each slot, PROGRESS, where requests are cut (protocol 'http'). Its one writer is the
 *   worker that has the session; the reactor thread reads it when that worker has died, and its replacement goes on with it:
 *
 *   bits   0                     24       25                32
 *         ┌─────────────────────┬────────┬─────────────────┐   the last request that the worker has begun to take, and
 *         │ REQUEST mod 2^24    │ INSIDE │ 0               │   whether more of it is still to come
 *         └─────────────────────┴────────┴─────────────────┘
 *
 *   It is written before the parser gets a byte: what it does not name has been seen by no program. Of a WebSocket that can
 *   be resumed each message is a request there, and so is each control frame between two messages.
 *
 *   Behind those lies RESUME, a word for each slot, which the same worker writes: the cell of resume-layout.ts that keeps what
 *   the next process needs to go on with a WebSocket, from 1; 0: none does.
 *
 *   Last come LOCAL_BYTES for each slot, LOCAL: the length, then the text, of the server's own address as the client has it, where its
 *   listener has all addresses of the machine and a server of the program has the connection; else a length of 0. The reactor thread writes
 *   it once, before any process knows of the session.
 */
export const SLOT_BYTES = 128;

const WORD = 4;
export const SLOT_WORDS = SLOT_BYTES / WORD;
/** Words of the record. */
export const RECORD_WORDS = 92 / WORD;

// Within the record, in words.
export const STATE_WORD = 0;
/** SESSION modulo 2^32: enough to tell the sessions of a slot apart, in one load. */
export const SESSION_LOW_WORD = 1;
export const UID_WORD = 2;
export const FLAGS_WORD = 3;
export const REASON_WORD = 4;
export const REACTOR_WORD = 5;
export const WORKER_WORD = 6;
export const ENDS_WORD = 7;
// Within CLOSE_ASKED.
export const CLOSE_ASKED_BYTES = WORD;
// Within LOCAL.
export const LOCAL_BYTES = 40;
// Within PROGRESS.
export const PROGRESS_BYTES = WORD;
export const PROGRESS_INSIDE = 1 << 24;
// Within RESUME.
export const RESUME_BYTES = WORD;
export const progressRequest = (word: number): number => word & 0xff_ffff;
export const LEVEL_CLOSE = 1;
export const LEVEL_RESET = 2;
export const closeAsked = (session: Unchecked<SessionId>, level: number): number =>
  ((session | 0) << 2) | level;
/** How hard it was asked for that session; of another one, not at all. */
export const closeLevelOf = (word: number, session: Unchecked<SessionId>): number =>
  word >>> 2 === ((session | 0) << 2) >>> 2 ? word & 3 : 0;

/** In units of float64. */
export const SESSION_DOUBLE = 4;
export const CONNECT_TIME_DOUBLE = 5;
/** In bytes. */
export const HOST_AT = 48;
export const HOST_BYTES = 40;
/** Where more is told of a client that came by TLS (tls-layout.ts), counted from 1; 0: nowhere. */
export const TLS_CELL_WORD = 88 / WORD;

// Within ENDS.
export const endsOf = (remotePort: number, listener: ListenerIndex, hostLength: number): number =>
  remotePort | (listener << 16) | (hostLength << 24);
export const remotePortOf = (ends: number): number => ends & 0xffff;
export const listenerOf = (ends: number) => ((ends >>> 16) & 0xff) as ListenerIndex;
export const hostLengthOf = (ends: number): number => ends >>> 24;

// Behind the record, in words and float64 from the beginning of the slot.
export const SEQ_WORD = 92 / WORD;
export const TAKEN_WORD = 96 / WORD;
export const QUEUED_WORD = 100 / WORD;
export const RECEIVED_AT_DOUBLE = 104 / 8;
export const SENT_AT_DOUBLE = 112 / 8;
export const DISPATCHED_AT_DOUBLE = 120 / 8;

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
