/**
 * A message between a task client and a task worker: a head of 24 bytes, the task's name, a body. Any program can write one to a
 * queue with a fixed key: with INCARNATION 0 and SLOT -1 it gets no answer.
 *
 *   byte  0      1       2            4             8        12       16         20       24
 *         ┌──────┬───────┬────────────┬─────────────┬────────┬────────┬──────────┬────────┬─── … ──┬─── … ──┐
 *         │ KIND │ FLAGS │ NAME_BYTES │ INCARNATION │ ID     │ SLOT   │ SEQUENCE │ NUMBER │ name   │ body   │
 *         └──────┴───────┴────────────┴─────────────┴────────┴────────┴──────────┴────────┴─── … ──┴─── … ──┘
 *           u8     u8      u16          u32           u32      int32    u32        u32      UTF-8    see FLAGS
 *
 *   INCARNATION  which process submitted the task; 0: no answer is wanted
 *   ID           the client's number for the task; its answers carry it
 *   SLOT         the task's claim, -1 for none; SEQUENCE which of its uses (claim-layout.ts)
 *   NUMBER       TASK: which attempt, from 1; DONE and THROWN: microseconds of running; CREDIT: how many more
 *
 * Numbers are little-endian.
 */
export const KIND_AT = 0;
export const FLAGS_AT = 1;
export const NAME_BYTES_AT = 2;
export const INCARNATION_AT = 4;
export const ID_AT = 8;
export const SLOT_AT = 12;
export const SEQUENCE_AT = 16;
export const NUMBER_AT = 20;
export const HEAD_BYTES = 24;

/** Client → task worker. */
export const TASK = 1;
export const ABORT = 2; // body: what the task's signal is aborted with, as THROWN has it
export const CREDIT = 3; // NUMBER more results of a stream may be sent
/** Task worker → client. */
export const DONE = 16; // body: the result
export const THROWN = 17; // body: what was thrown, see thrown.ts
export const FINISH = 18; // body: a result sent by `finish`, before or after the handler's own
export const PROGRESS = 19; // body: a report
export const ITEM = 20; // body: one of the results of a stream
export const RETIRING = 21; // the worker begins nothing more, and ends when what it runs is done
export const DYING = 22; // the worker dies of an uncaught error, which is the body, while it runs this task

/** Bits of FLAGS. The body is MessagePack, as msgpackCodec of @millrace/channel has it, unless BYTES, TEXT or JSON is set. */
export const BYTES = 1; // the body is the value, a Buffer
export const TEXT = 2; // the body is the value, UTF-8
export const IN_FILE = 4; // the body names the file that holds the body, in the directory of large values; the reader removes it
export const STREAM = 8; // the client wants each result of an iterable
export const JSON_TEXT = 32; // the body is JSON: what other programs write most easily
export const SILENT = 16; // the client wants no result, only to know that the task is over

/** A message of this many bytes or more, head included, has its body in a file. */
export const INLINE_LIMIT = 8_192;
