/**
 * What happens to the messages of the sessions that are traced, in memory that every process of the server maps. Nothing outside of this
 * file, session-trace.ts and trace-watches.ts knows an offset.
 *
 *   byte   0          64                      192                704
 *         ┌──────────┬───────────────────────┬──────────────────┬───────────────────── … ──┐
 *         │ ACTIVE   │ WATCHES × 16 bytes:   │ WATCHES × 64:    │ WATCHES rings of RECORDS │
 *         │ int32    │ SESSION f64, UNTIL f64│ NEXT int32       │ records                  │
 *         └──────────┴───────────────────────┴──────────────────┴───────────────────── … ──┘
 *
 *   a record, one cache line:
 *   byte   0       4       8       12      16      20      24      28      32        40        48      52
 *         ┌───────┬───────┬───────┬───────┬───────┬───────┬───────┬───────┬─────────┬─────────┬───────┬──────┐
 *         │ SEQ   │ CHECK │ STEP  │ WHO   │ PID   │ KIND  │ BYTES │ AUX   │ TIME f64│ SESSION │ DETAIL│ 0    │
 *         └───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴─────────┴─────────┴───────┴──────┘
 *
 * ACTIVE has a bit for each watch that is on. It is all that a message costs while nothing is traced: one plain load, in a line that
 * nothing writes then. The admin process alone switches watches on, and renews UNTIL, a time of the machine's monotonic clock in
 * milliseconds; reactors switch off what is past it, so an admin process that was killed leaves nothing on.
 *
 * Many writers, in all processes and threads. A record takes the next ticket of its watch by one atomic addition; ticket `t` is record
 * `t mod RECORDS`, and the oldest goes. SEQ is 0 while a record is written, and the ticket plus one when it is whole: a process that is
 * killed in the middle leaves a record that no reader takes, and nothing that another writer would wait for. CHECK is the exclusive or of
 * the ticket and all words behind it: a writer that was stopped in the middle for a whole round of the ring and goes on then mixes two records,
 * which no SEQ shows.
 */
export const WATCHES = 8;
/** A power of two, so that tickets that have wrapped go on in order. */
export const RECORDS = 4_096;

const RECORD_BYTES = 64;
const WATCHES_AT = 64;
const NEXT_AT = WATCHES_AT + WATCHES * 16;
const RECORDS_AT = NEXT_AT + WATCHES * 64;
export const TRACE_BYTES = RECORDS_AT + WATCHES * RECORDS * RECORD_BYTES;

export const ACTIVE_WORD = 0;
/** In units of float64. */
export const sessionDouble = (watch: number): number => (WATCHES_AT + watch * 16) / 8;
export const untilDouble = (watch: number): number => (WATCHES_AT + watch * 16 + 8) / 8;
/** In words. */
export const nextWord = (watch: number): number => (NEXT_AT + watch * 64) / 4;
/** The first word of the record of that ticket. */
export const recordWord = (watch: number, ticket: number): number =>
  (RECORDS_AT + (watch * RECORDS + (ticket & (RECORDS - 1))) * RECORD_BYTES) / 4;

export const RECORD_WORDS = RECORD_BYTES / 4;
// In words from the beginning of a record.
export const SEQ_WORD = 0;
export const CHECK_WORD = 1;
export const STEP_WORD = 2;
export const WHO_WORD = 3;
export const PID_WORD = 4;
export const KIND_WORD = 5;
export const BYTES_WORD = 6;
export const AUX_WORD = 7;
export const DETAIL_WORD = 12;
// In float64 from there.
export const TIME_DOUBLE = 4;
export const SESSION_DOUBLE = 5;

/** What a record must have in CHECK, of the ticket and the words behind. */
export function checkOf(ticket: number, words: Int32Array): number {
  let check = ticket | 0;
  for (let at = CHECK_WORD + 1; at < RECORD_WORDS; at++) check ^= words[at] as number;
  return check;
}

// The steps of a message, in STEP. KIND is the type of the packet, see packet.ts.
/** The reactor has read bytes of the client. */
export const READ = 1;
/** It gives a packet to a worker's channel, whose number is in DETAIL. */
export const DISPATCHED = 2;
/** The worker takes it; DETAIL 1: its session speaks HTTP no more. */
export const TAKEN = 3;
/** A process gives a packet for the client to the reactor's channel. */
export const ANSWERED = 4;
/** The reactor takes that, of the process in DETAIL. */
export const COLLECTED = 5;
/** It has written to the socket; DETAIL: bytes that the kernel has not taken. */
export const WRITTEN = 6;
/** The kernel has taken more of those; DETAIL as before. */
export const DRAINED = 7;
/** The connection is closed; DETAIL: index in CLOSE_REASONS. */
export const CLOSED = 8;

/** In WHO: a reactor; a process is its peer, which is 0 or more. */
export const reactorIn = (who: number): number => -1 - who;
