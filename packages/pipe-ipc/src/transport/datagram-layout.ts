/**
 * What one datagram of a pipe holds: parts, one after the other, to the end of the datagram.
 *
 *         ┌────────┬──────┬──────────────┐
 *   WHOLE │ LENGTH │ KIND │ LENGTH bytes │
 *         └────────┴──────┴──────────────┘
 *         ┌────────┬──────┬────────┬────────┬───────┬──────────────┐
 *   PIECE │ LENGTH │ KIND │ SENDER │ NUMBER │ TOTAL │ LENGTH bytes │
 *         └────────┴──────┴────────┴────────┴───────┴──────────────┘
 *
 * All fields are unsigned 32-bit integers, little endian. A message larger than a datagram travels in pieces, one
 * datagram each, told apart by SENDER (random per sending end, for several may share the pipe) and NUMBER (counts
 * that sender's large messages). Pieces of one sender arrive in order; those of several may alternate.
 */
export const WHOLE = 1;
/** A piece that begins a message, so that what is left of an earlier one of its sender can be dropped. */
export const FIRST = 2;
export const MORE = 3;

export const LENGTH_AT = 0;
export const KIND_AT = 4;
export const WHOLE_HEADER_BYTES = 8;
export const SENDER_AT = 8;
export const NUMBER_AT = 12;
export const TOTAL_AT = 16;
export const PIECE_HEADER_BYTES = 20;

/** Largest datagram in bytes: a message of 64 KiB fits, with what a codec adds. The default send buffer has room for three. */
export const DATAGRAM_BYTES = 65_536 + 512;
export const MAX_WHOLE = DATAGRAM_BYTES - WHOLE_HEADER_BYTES;
export const MAX_PIECE = DATAGRAM_BYTES - PIECE_HEADER_BYTES;

/** Senders whose unfinished message is kept at once; the oldest is dropped beyond. */
export const MAX_UNFINISHED = 64;
