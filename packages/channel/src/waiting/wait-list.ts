import { TimeoutError } from '../errors.js';
import type { WaitOptions } from '../interface/channel.js';
import { Alarm, checkWait } from './deadline.js';

interface Waiter<T> {
  settle(value: T): void;
  fail(error: unknown): void;
}

/** Promises that wait for a value, first come first served; each with its own signal and time-out. */
export class WaitList<T> {
  readonly #waiters = new Set<Waiter<T>>();

  get size(): number {
    return this.#waiters.size;
  }

  wait(what: string, options: WaitOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      checkWait(options);
      const { signal, timeout } = options;
      // The caller has polled before it waits: nothing is there now.
      if (timeout === 0) return reject(new TimeoutError(what, timeout));
      const leave = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        alarm?.cancel();
      };
      const waiter: Waiter<T> = {
        settle: (value) => {
          leave();
          resolve(value);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = () => waiter.fail(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const alarm =
        timeout === undefined
          ? undefined
          : new Alarm(timeout, () => waiter.fail(new TimeoutError(what, timeout)));
      this.#waiters.add(waiter);
    });
  }

  /** Settles the first that waits; false when none does. */
  settleOne(value: T): boolean {
    for (const waiter of this.#waiters) {
      waiter.settle(value);
      return true;
    }
    return false;
  }

  settleAll(value: T): void {
    for (const waiter of [...this.#waiters]) waiter.settle(value);
  }

  failAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.fail(error);
  }
}
