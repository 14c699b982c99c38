/**
 * What another process needs to go on with a WebSocket, in memory that every process of the server maps; only servers whose programs
 * have connections of their own have it. Nothing outside of this file knows an offset.
 *
 *   byte   0                            8 × CELLS
 *         ┌────────┬────────┬──── … ──┬─────────────┬─────────────┬──── … ──┐
 *         │ OWNER  │ OWNER  │         │ cell 0      │ cell 1      │         │
 *         └────────┴────────┴──── … ──┴─────────────┴─────────────┴──── … ──┘
 *          int64, the session that has the cell; 0: none; below 0: it was that one's, and is being wiped
 *
 *   a cell:
 *   byte   0                 8        12        16       24       32       40       48                64
 *         ┌─────────────────┬────────┬─────────┬────────┬────────┬────────┬────────┬────────┬────────┐
 *         │ SESSION float64 │ KEPT   │ LENGTH  │ TAKEN 0│ TAKEN 1│ STATE 0│ STATE 1│ TRIES  │ 0      │
 *         ├─────────────────┴────────┴─────────┴────────┴────────┴────────┴────────┴────────┴────────┤
 *    64   │ HEAD: JSON, LENGTH bytes of UTF-8: the request that the WebSocket came by                  │
 *         ├───────────────────────────────────────────────────────────────────────────────────────────┤
 *  8192   │ the state that the program keeps, for even KEPT                                            │
 *         ├───────────────────────────────────────────────────────────────────────────────────────────┤
 * 12288   │ for odd KEPT                                                                               │
 *         └───────────────────────────────────────────────────────────────────────────────────────────┘
 *
 *   TAKEN, two int32: the request that PROGRESS (connection-layout.ts) names, and how many messages have been taken with it. The one
 *   of an even request is TAKEN 0. It is written before PROGRESS: whichever PROGRESS names by then has its own.
 *   STATE, two int32: the length of that state, and how many messages had been taken when it was kept.
 *
 * One writer: the worker that has the session; the next one writes when that has ended or has let the session go. A process that is
 * killed between two stores leaves what was before, or what comes: a state is written where KEPT does not point, and then KEPT is
 * changed. KEPT 0: no state has been kept.
 *
 * A cell whose session is not open any more is free, whatever its OWNER says: so nobody has to tidy up behind a dead process. Free
 * cells are looked for from below: what was never needed is never touched, and takes no memory.
 */
export const CELL_BYTES = 16_384;
export const OWNER_BYTES = 8;

export const CELL_WORDS = CELL_BYTES / 4;
// In words from the beginning of a cell; SESSION is at 0.
export const KEPT_WORD = 2;
export const LENGTH_WORD = 3;
/** Two words each, of both. */
export const TAKEN_WORD = 4;
export const STATE_WORD = 8;
export const TRIES_WORD = 12;
// In bytes.
export const HEAD_AT = 64;
export const HEAD_BYTES = 8_192 - HEAD_AT;
export const STATES_AT = 8_192;
export const STATE_BYTES = 4_096;
