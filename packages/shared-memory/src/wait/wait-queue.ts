import { checkWait } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { FIRST_OWNER_CHECK_MS, OWNER_CHECK_MS } from '../constants.js';
import { abandon, BUSY, type Grant, type LockAttempt, OWNER_DIED } from './lock-attempt.js';
import { type CancelWait, onWordChange } from './word-waiter.js';
import type { AsyncWaitOptions } from './word-waits.js';

interface Request {
  readonly attempt: LockAttempt;
  /** Settles the promise; BUSY: the time is over. */
  readonly settle: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The promises of this thread that wait for one lock, in their order: only the first of them contends with others.
 *
 * Notes. The first one sleeps on the lock's word without blocking the loop, and checks the owner as
 * blocking waiters do.
 */
export class WaitQueue {
  readonly #requests: Request[] = [];
  #cancelWait: CancelWait | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #slept = false;
  /** The lock may have become free in this thread. */
  #retryQueued = false;

  /**
   * Resolves with what `granted` makes, in the moment of the grant, or with undefined when the time is over; rejects
   * with the signal's reason.
   */
  wait<T>(
    attempt: LockAttempt,
    { timeout = Number.POSITIVE_INFINITY, signal }: AsyncWaitOptions,
    granted: (ownerDied: boolean) => T,
  ): Promise<T | undefined> {
    return new Promise<T | undefined>((resolve, reject) => {
      checkWait({ signal, timeout });
      let alarm: Alarm | undefined;
      const aborted = () => this.#drop(request, () => request.reject(signal?.reason));
      const finish = () => {
        alarm?.cancel();
        signal?.removeEventListener('abort', aborted);
      };
      const request: Request = {
        attempt,
        settle: (grant) => {
          finish();
          resolve(grant === BUSY ? undefined : granted(grant === OWNER_DIED));
        },
        reject: (error) => {
          finish();
          reject(error);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      if (timeout > 0) alarm = new Alarm(timeout, () => this.#timedOut(request));
      this.#requests.push(request);
      if (this.#requests.length === 1) this.#contend();
      if (timeout === 0) this.#timedOut(request);
    });
  }

  /** The lock was released in this thread: the first request tries at once, before the kernel says so. */
  retrySoon(): void {
    if (this.#requests.length === 0 || this.#retryQueued) return;
    this.#retryQueued = true;
    queueMicrotask(() => {
      this.#retryQueued = false;
      if (this.#requests.length > 0) this.#contend();
    });
  }

  /** Rejects all requests. */
  close(error: Error): void {
    const [first] = this.#requests;
    if (first !== undefined) {
      this.#rest();
      abandon(first.attempt);
    }
    for (const { reject } of this.#requests.splice(0)) reject(error);
  }

  /** Lets the first requests contend until one has to sleep. With `look`, the first one checks the owner. */
  #contend(look = false): void {
    this.#rest();
    for (let first = this.#requests[0]; first !== undefined; first = this.#requests[0]) {
      const grant = this.#attempt(first, look);
      if (grant === BUSY) return;
      this.#requests.shift();
      this.#slept = false;
      first.settle(grant);
    }
  }

  /** BUSY: it sleeps, and comes back when the word changes or it is time to look at the owner. */
  #attempt({ attempt, reject }: Request, look: boolean): Grant {
    try {
      const recovered = look ? attempt.recover(this.#slept) : BUSY;
      if (recovered !== BUSY) return recovered;
      const expected = attempt.prepare();
      const granted = attempt.try(this.#slept);
      if (granted !== BUSY) return granted;
      const delay = this.#slept ? OWNER_CHECK_MS : FIRST_OWNER_CHECK_MS;
      this.#slept = true;
      this.#cancelWait = onWordChange(attempt.words, attempt.sleepWord, expected, () => this.#contend());
      this.#lookTimer = setTimeout(() => this.#contend(true), delay);
    } catch (error) {
      // Whatever goes wrong is the waiter's, and the next in the queue goes on.
      this.#requests.shift();
      reject(error);
      if (this.#requests.length > 0) this.retrySoon();
    }
    return BUSY;
  }

  /** Checks once more, the owner too, before it gives up. */
  #timedOut(request: Request): void {
    if (this.#requests[0] === request) this.#contend(true);
    this.#drop(request, () => request.settle(BUSY));
  }

  #drop(request: Request, settle: () => void): void {
    const index = this.#requests.indexOf(request);
    if (index < 0) return;
    this.#requests.splice(index, 1);
    if (index === 0) {
      this.#rest();
      this.#slept = false;
      abandon(request.attempt);
    }
    settle();
    if (index === 0) this.#contend();
  }

  #rest(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    clearTimeout(this.#lookTimer);
  }
}
