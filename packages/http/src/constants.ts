/** Bytes of a request's head that are looked at here; a longer one is node:http's. */
export const MAX_HEAD_BYTES = 8_192;

/** Header fields of a request that are looked at here; node:http drops those beyond a limit of the server's. */
export const MAX_FIELDS = 64;

/** Bytes of a body that is waited for until it is whole. */
export const MAX_BODY_BYTES = 65_536;

/** Bytes of later requests that wait for an answer above which the client is not read from. */
export const MAX_WAITING_BYTES = 65_536;

/** Milliseconds after which a request that is not whole is node:http's, with its time-outs. */
export const PARTIAL_MS = 100;

/** Milliseconds after which a connection that has sent nothing is node:http's, with its time-outs. */
export const SILENT_MS = 5_000;

/** About the bytes that header blocks take that are kept, with what was made of them; those used least lately go. */
export const CACHED_BYTES = 1_048_576;

/** Bytes of the longest header block that is kept. */
export const CACHED_BLOCK_BYTES = 4_096;
