/** The thread that sleeps for this one, wait/wait-thread.ts. From src (in tests) as from dist: the compiled file. */
export const WAIT_THREAD = new URL('../dist/wait-thread.js', import.meta.url);

/** Most words that the waiting thread waits on at once: what the kernel takes (128), less its control word. */
export const MAX_WAITS = 127;

/**
 * Longest sleep in the kernel, in milliseconds, before the word is checked again: for a waker that was killed
 * between its store and its system call, and so that a blocked thread can be ended from outside.
 */
export const SLICE_MS = 50;

/** When a waiter for a lock checks for the first time that the owner lives, in milliseconds. */
export const FIRST_OWNER_CHECK_MS = 2;

/** How often it checks from then on, in milliseconds. */
export const OWNER_CHECK_MS = 10;
