/** The thread that sleeps for this one, wait/wait-thread.ts. From src (in tests) as from dist: the compiled file. */
export const WAIT_THREAD = new URL('../dist/wait-thread.js', import.meta.url);

/** Most words that the waiting thread waits on at once: what the kernel takes (128), less its control word. */
export const MAX_WAITS = 127;

/**
 * Longest sleep in the kernel, in milliseconds, before the word is looked at again: for a waker that was killed
 * between its store and its system call, and so that a blocked thread can be ended from outside.
 */
export const SLICE_MS = 50;

/** When somebody who waits for a lock asks for the first time whether its owner lives, in milliseconds. */
export const FIRST_LOOK_MS = 2;

/** How often somebody who waits for a lock asks that from then on, in milliseconds. */
export const LOOK_MS = 10;
