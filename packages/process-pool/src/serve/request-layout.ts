/**
 * Requests of clients, and how the pool's process hands one to whichever member takes it.
 *
 * On a client's connection, request and answer alike:
 *
 *   ┌────────┬──────────────┐
 *   │ LENGTH │ LENGTH bytes │      LENGTH is an unsigned 32-bit integer, big endian
 *   └────────┴──────────────┘
 *
 * On the socket pair from which the members take requests, one datagram for each:
 *
 *   ┌────────┬──────┐
 *   │ LENGTH │ BODY │  + the connection's descriptor
 *   └────────┴──────┘  + where LENGTH is above MAX_INLINE_BYTES, a memory file that holds the body: BODY is empty then
 *
 * A datagram is received whole by one process or stays, so a request whose taker dies beforehand is another's.
 */

export const LENGTH_BYTES = 4;
/** Bytes of the largest body that travels in the datagram itself; the kernel's default send buffer has room for ten. */
export const MAX_INLINE_BYTES = 16_384;
export const DATAGRAM_BYTES = LENGTH_BYTES + MAX_INLINE_BYTES;
