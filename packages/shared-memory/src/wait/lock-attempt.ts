import { EAGAIN, EINTR, ETIMEDOUT, SystemCallError, syscalls } from '@millrace/native';
import { FIRST_LOOK_MS, LOOK_MS } from '../constants.js';

/** What came of an attempt to get something. */
export type Grant = 0 | 1 | 2;
/** Somebody else has it. */
export const BUSY = 0;
/** Got it. */
export const GRANTED = 1;
/** Got it from an owner that had died with it. */
export const OWNER_DIED = 2;

/** One way to want something that others may have: what waiting in a thread and waiting in a promise share. */
export interface Contender {
  readonly words: Int32Array;
  /** The word to sleep on, as an index of `words`, after `prepare`. */
  readonly sleepWord: number;
  /** Tries. `slept`: it has waited, so that others may be waiting still. */
  attempt(slept: boolean): Grant;
  /** Tries, and takes it from an owner that is dead. Reads files; only who waits may call it. */
  recover(slept: boolean): Grant;
  /** Announces a sleeper; returns the value of the word to sleep on. An attempt must follow, or the value be current. */
  prepare(): number;
  /** Takes back what an attempt has begun, when it is given up; wakes who has to know. */
  giveUp(): void;
}

/** How often a lock is looked at before a thread sleeps for it; about a microsecond. */
const SPINS = 100;

/**
 * Waits until the contender is granted, and BLOCKS this thread; BUSY when `deadline` has passed.
 *
 * Notes. Looks at the owner after FIRST_LOOK_MS, then every LOOK_MS, so a dead one is found without anybody's help;
 * and once in any case, before it gives up. A lock that is passed on quickly costs nobody a look.
 */
export function acquire(contender: Contender, deadline: number, spins = SPINS): Grant {
  for (let i = 0; i < spins; i++) {
    const granted = contender.attempt(false);
    if (granted !== BUSY) return granted;
  }
  let slept = false;
  let now = performance.now();
  let look = Math.min(now + FIRST_LOOK_MS, deadline);
  for (;;) {
    if (now >= look) {
      const recovered = contender.recover(slept);
      if (recovered !== BUSY) return recovered;
      look = Math.min(now + LOOK_MS, deadline);
    }
    const expected = contender.prepare();
    const granted = contender.attempt(slept);
    if (granted !== BUSY) return granted;
    if (now >= deadline) {
      abandon(contender);
      return BUSY;
    }
    const { words, sleepWord } = contender;
    const timeout = Math.max(Math.ceil(look - now), 1);
    const result = syscalls.futexWait(words, sleepWord * Int32Array.BYTES_PER_ELEMENT, expected, timeout);
    if (result < 0 && result !== -EAGAIN && result !== -ETIMEDOUT && result !== -EINTR) {
      throw new SystemCallError('futex', -result);
    }
    slept = true;
    now = performance.now();
  }
}

/** Gives up, and passes on a waking that may have been meant for who gives up. */
export function abandon(contender: Contender): void {
  contender.giveUp();
  syscalls.futexWake(contender.words, contender.sleepWord * Int32Array.BYTES_PER_ELEMENT, 1);
}
