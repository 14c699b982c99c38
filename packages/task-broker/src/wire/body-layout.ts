/**
 * The body of a task or an answer: one byte, and what it says comes behind it.
 *
 *   0       1
 *   ┌───────┬──────────────────────────────────────────────┐
 *   │ KIND  │ MessagePack, or the reference as UTF-8 text   │
 *   └───────┴──────────────────────────────────────────────┘
 *
 * STORED, STORED_THROWN: the bytes (with a kind of their own before them) lie in the user's store, and this is the reference to them.
 */
export const KIND_AT = 0;
export const HEAD_BYTES = 1;

export const VALUE = 1;
/** What a task threw, as task-pool's thrown.ts describes it. */
export const THROWN = 2;
export const STORED = 3;
export const STORED_THROWN = 4;
