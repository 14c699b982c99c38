/**
 * What is known of clients that came by TLS, in memory that every process of the server maps; servers without a TLS
 * listener have none. Nothing outside of this file knows an offset.
 *
 *   The cell of session `id` is `id mod CAPACITY`, as its slot in the table of connections:
 *
 *   byte   0                 8        12       16                                     1024
 *         ┌─────────────────┬────────┬────────┬──────────────────────────────────── … ──┐
 *         │ SESSION float64 │ SEQ    │ LENGTH │ TEXT: JSON, LENGTH bytes of UTF-8       │
 *         └─────────────────┴────────┴────────┴──────────────────────────────────── … ──┘
 *
 * One writer: the reactor thread of the session, once, before the session opens. SEQ is odd while it writes: a reader
 * copies the cell and looks whether SEQ was even and has stayed. The writer lives in the master, so it cannot die in
 * between without everybody else.
 */
export const CELL_BYTES = 1_024;

export const CELL_WORDS = CELL_BYTES / 4;
// In words from the beginning of a cell; SESSION is at 0.
export const SEQ_WORD = 2;
export const LENGTH_WORD = 3;
/** In bytes. */
export const TEXT_AT = 16;
export const TEXT_BYTES = CELL_BYTES - TEXT_AT;
