import { Alarm, checkWait } from '@millrace/channel';
import { FIRST_LOOK_MS, LOOK_MS } from '../constants.js';
import { abandon, BUSY, type Contender, type Grant, OWNER_DIED } from './lock-attempt.js';
import { type CancelWait, onWordChange } from './word-waiter.js';
import type { AsyncWaitOptions } from './word-waits.js';

interface Request {
  readonly contender: Contender;
  /** Settles the promise; BUSY: the time is over. */
  readonly settle: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The promises of this thread that wait for one lock, in their order: only the first of them contends with others.
 *
 * Notes. The first one sleeps on the lock's word without blocking the loop, and looks at the owner as
 * those do who block.
 */
export class WaitQueue {
  readonly #requests: Request[] = [];
  #cancelWait: CancelWait | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #slept = false;
  /** The lock may have become free in this thread. */
  #nudged = false;

  /**
   * Resolves with what `granted` makes, in the moment of the grant, or with undefined when the time is over; rejects
   * with the signal's reason.
   */
  wait<T>(
    contender: Contender,
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
        contender,
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

  /** Somebody in this thread has unlocked: the first one looks, before the kernel says so. */
  nudge(): void {
    if (this.#requests.length === 0 || this.#nudged) return;
    this.#nudged = true;
    queueMicrotask(() => {
      this.#nudged = false;
      if (this.#requests.length > 0) this.#contend();
    });
  }

  /** Rejects everybody. */
  close(error: Error): void {
    const [first] = this.#requests;
    if (first !== undefined) {
      this.#rest();
      abandon(first.contender);
    }
    for (const { reject } of this.#requests.splice(0)) reject(error);
  }

  /** Lets the first requests contend until one has to sleep. With `look`, the first one looks at the owner. */
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
  #attempt({ contender, reject }: Request, look: boolean): Grant {
    try {
      const recovered = look ? contender.recover(this.#slept) : BUSY;
      if (recovered !== BUSY) return recovered;
      const expected = contender.prepare();
      const granted = contender.attempt(this.#slept);
      if (granted !== BUSY) return granted;
      const delay = this.#slept ? LOOK_MS : FIRST_LOOK_MS;
      this.#slept = true;
      this.#cancelWait = onWordChange(contender.words, contender.sleepWord, expected, () => this.#contend());
      this.#lookTimer = setTimeout(() => this.#contend(true), delay);
    } catch (error) {
      // Whatever goes wrong is the waiter's, and the next in the queue goes on.
      this.#requests.shift();
      reject(error);
      if (this.#requests.length > 0) this.nudge();
    }
    return BUSY;
  }

  /** Looks once more, at the owner too, before it gives up. */
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
      abandon(request.contender);
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
