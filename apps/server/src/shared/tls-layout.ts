/**
 * What is known of clients that came by TLS, in memory that every process of the server maps; servers without a TLS
 * listener have none. Nothing outside of this file knows an offset.
 *
 *   byte   0                            4 × CAPACITY
 *         ┌────────┬────────┬──── … ──┬─────────────┬─────────────┬──── … ──┐
 *         │ OWNER  │ OWNER  │         │ cell 0      │ cell 1      │         │
 *         └────────┴────────┴──── … ──┴─────────────┴─────────────┴──── … ──┘
 *
 *   a cell:
 *   byte   0                 8        12       16                                     1024
 *         ┌─────────────────┬────────┬────────┬──────────────────────────────────── … ──┐
 *         │ SESSION float64 │ SEQ    │ LENGTH │ TEXT: JSON, LENGTH bytes of UTF-8       │
 *         └─────────────────┴────────┴────────┴──────────────────────────────────── … ──┘
 *
 * A reactor takes a cell, whose OWNER is 0, by putting its own number there, counted from 1. It writes the cell once,
 * before the session opens, and the record of the session (connection-layout.ts) names it. When the session is closed
 * the reactor puts 0 there again; what the cell tells stays until another session has it. There are more cells than
 * there may be clients, so one is always free.
 *
 * SEQ is odd while the owner writes. The session that is written is not open yet, and the one before is not any more:
 * so a reader that finds it odd does not wait. In base mode the owner is a worker, which can die at any point of it:
 * then the manager makes SEQ even and OWNER 0 (base/reaper.ts).
 */
export const CELL_BYTES = 1_024;
export const OWNER_BYTES = 4;

export const CELL_WORDS = CELL_BYTES / 4;
export const NO_OWNER = 0;
// In words from the beginning of a cell; SESSION is at 0.
export const SEQ_WORD = 2;
export const LENGTH_WORD = 3;
/** In bytes. */
export const TEXT_AT = 16;
export const TEXT_BYTES = CELL_BYTES - TEXT_AT;
