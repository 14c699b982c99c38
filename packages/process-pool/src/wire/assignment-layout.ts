/**
 * How an assignment is sent: as the first datagrams on the control pipe. JSON text in pieces, with descriptors beside them
 * (SCM_RIGHTS).
 *
 *   ┌──────┬─────────────────────┐
 *   │ MORE │ a piece of the text │  + up to 253 descriptors, in the order of their names in the text
 *   └──────┴─────────────────────┘
 *
 * MORE is an unsigned 32-bit integer, little endian: 1 when another datagram follows, 0 in the last. A process that
 * dies between two of them was never assigned; its pipe is closed with it.
 */
import { MAX_RIGHTS } from '@millrace/native/syscalls';

export const MORE_AT = 0;
export const HEADER_BYTES = 4;
/** Largest datagram in bytes; the kernel's default send buffer (212,992) has room for several. */
export const DATAGRAM_BYTES = 32_768;
export const MAX_PIECE = DATAGRAM_BYTES - HEADER_BYTES;
export const MAX_DESCRIPTORS = MAX_RIGHTS;
