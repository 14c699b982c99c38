import { SystemCallError } from '@millrace/native';
import { EAGAIN, EINTR, ETIMEDOUT, syscalls } from '@millrace/native/syscalls';
import { FIRST_OWNER_CHECK_MS, OWNER_CHECK_MS } from '../constants.js';

/** What came of an attempt to get something. */
export type Grant = 0 | 1 | 2;
/** Another thread has it. */
export const BUSY = 0;
/** Got it. */
export const GRANTED = 1;
/** Got it from an owner that had died with it. */
export const OWNER_DIED = 2;

/** One way to get a lock: what waiting in a thread and waiting in a promise share. */
export interface LockAttempt {
  readonly words: Int32Array;
  /** The word to sleep on, as an index of `words`, after `prepare`. */
  readonly sleepWord: number;
  /** Tries. `slept`: it has waited, so that others may be waiting still. */
  try(slept: boolean): Grant;
  /** Tries, and takes it from an owner that is dead. Reads files: for waiters alone. */
  recover(slept: boolean): Grant;
  /** Announces a sleeper; returns the value of the word to sleep on. A `try` must follow, or the value be current. */
  prepare(): number;
  /** Undoes what `try` has begun, when the attempt ends without a grant; wakes those it kept out. */
  giveUp(): void;
}

/** Polls of a lock before a thread sleeps for it; about a microsecond. */
const SPINS = 100;

/**
 * Waits until the attempt is granted, and BLOCKS this thread; BUSY when `deadline` has passed.
 *
 * Notes. Checks that the owner lives after FIRST_OWNER_CHECK_MS, then every OWNER_CHECK_MS, so that a dead one is found without help from
 * others; and once in any case, before it gives up. A lock that is passed on quickly costs no check.
 */
export function acquire(attempt: LockAttempt, deadline: number, spins = SPINS): Grant {
  for (let i = 0; i < spins; i++) {
    const granted = attempt.try(false);
    if (granted !== BUSY) return granted;
  }
  let slept = false;
  let now = performance.now();
  let look = Math.min(now + FIRST_OWNER_CHECK_MS, deadline);
  for (;;) {
    if (now >= look) {
      const recovered = attempt.recover(slept);
      if (recovered !== BUSY) return recovered;
      look = Math.min(now + OWNER_CHECK_MS, deadline);
    }
    const expected = attempt.prepare();
    const granted = attempt.try(slept);
    if (granted !== BUSY) return granted;
    if (now >= deadline) {
      abandon(attempt);
      return BUSY;
    }
    const { words, sleepWord } = attempt;
    const timeout = Math.max(Math.ceil(look - now), 1);
    const result = syscalls.futexWait(words, sleepWord * Int32Array.BYTES_PER_ELEMENT, expected, timeout);
    if (result < 0 && result !== -EAGAIN && result !== -ETIMEDOUT && result !== -EINTR) {
      throw new SystemCallError('futex', -result);
    }
    slept = true;
    now = performance.now();
  }
}

/** Gives up, and passes on a waking that may have been meant for this thread. */
export function abandon(attempt: LockAttempt): void {
  attempt.giveUp();
  syscalls.futexWake(attempt.words, attempt.sleepWord * Int32Array.BYTES_PER_ELEMENT, 1);
}
