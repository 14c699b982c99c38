/**
 * Base mode: the keys and certificates of listeners with TLS, in memory that the master writes and workers read.
 * Nothing outside of this file knows an offset.
 *
 *   byte   0          64                    64 + HALF             64 + 2 × HALF
 *         ┌──────────┬─────────────────────┬─────────────────────┐
 *         │ VERSION  │ half 0              │ half 1              │
 *         └──────────┴─────────────────────┴─────────────────────┘
 *   a half: LENGTH int32, DIGEST (SHA-256 of the text), then LENGTH bytes of text, which `v8.serialize` has made
 *
 * Version v is in half v mod 2, complete before VERSION says v. A reader takes the half that VERSION names, and looks
 * whether VERSION has stayed: the master begins with that half again only after VERSION has said the one behind it. So
 * no process waits for the master, which may be stopped at any point of it.
 */
export const HALF_BYTES = 2 << 20;
export const KEYS_BYTES = 64 + 2 * HALF_BYTES;

/** In words. */
export const VERSION_WORD = 0;
/** In bytes, from the beginning of a half. */
export const DIGEST_AT = 4;
export const DIGEST_BYTES = 32;
export const TEXT_AT = DIGEST_AT + DIGEST_BYTES;

export function halfAt(version: number): number {
  return 64 + (version & 1) * HALF_BYTES;
}
