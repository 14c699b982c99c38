import { TimeoutError } from '../errors.js';
import type { WaitOptions } from '../interface/channel.js';
import { Alarm, checkWait } from './deadline.js';

/** What belongs to one wait in a {@link WaitList}. */
export interface Waiting<Item> {
  /** What it waits with. */
  readonly item?: Item;
  /** Whether a signal or the time-out may end the wait; if not, it has just been settled. */
  mayLeave?(): boolean;
  /** A signal or the time-out has ended it. */
  left?(): void;
}

interface Waiter<T, Item> {
  readonly item: Item | undefined;
  settle(value: T): void;
  fail(error: unknown): void;
}

/** Promises that wait for a value, first come first served; each with its own signal and time-out. */
export class WaitList<T, Item = undefined> {
  readonly #waiters = new Set<Waiter<T, Item>>();

  get size(): number {
    return this.#waiters.size;
  }

  /** What the first that waits does so with. */
  get head(): Item | undefined {
    for (const { item } of this.#waiters) return item;
    return undefined;
  }

  /** Joins at the end. `what` names the wait in the error of its time-out. */
  wait(what: string, options: WaitOptions = {}, own?: Waiting<Item>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      checkWait(options);
      const { signal, timeout } = options;
      // The caller has polled before it waits: nothing is there now.
      if (timeout === 0) return reject(new TimeoutError(what, timeout));
      const forget = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        alarm?.cancel();
      };
      const waiter: Waiter<T, Item> = {
        item: own?.item,
        settle: (value) => {
          forget();
          resolve(value);
        },
        fail: (error) => {
          forget();
          reject(error);
        },
      };
      const leave = (reason: unknown) => {
        if (own?.mayLeave?.() === false) return;
        waiter.fail(reason);
        own?.left?.();
      };
      const onAbort = () => leave(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const alarm =
        timeout === undefined ? undefined : new Alarm(timeout, () => leave(new TimeoutError(what, timeout)));
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
