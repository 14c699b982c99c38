import type { JobListener } from './job.js';

/** Results that a task may send before its caller has taken any: the bound on what waits here. */
export const STREAM_WINDOW = 16;
/** Results taken before credit is returned to the task: one message for several results. */
const CREDIT_BATCH = STREAM_WINDOW / 2;

interface Waiter {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The caller's end of a task that gives several results.
 *
 * Notes. The task pauses while `STREAM_WINDOW` results wait here, so a caller that stops reading stops the task. Leaving the loop,
 * or `return`, aborts the task.
 */
export class TaskStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly listener: JobListener = {
    item: (value) => this.#push(value),
    done: () => this.#end(),
    failed: (error) => this.#end({ error }),
  };
  readonly #credit: (count: number) => void;
  readonly #giveUp: () => void;
  #items: unknown[] = [];
  #taken = 0;
  readonly #waiters: Waiter[] = [];
  #over = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(credit: (count: number) => void, giveUp: () => void) {
    this.#credit = credit;
    this.#giveUp = giveUp;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      if (!this.#over && ++this.#taken === CREDIT_BATCH) {
        this.#taken = 0;
        this.#credit(CREDIT_BATCH);
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#failure !== undefined) {
      const { error } = this.#failure;
      // Reported once; the next call is past the end.
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve: resolve as Waiter['resolve'], reject });
    });
  }

  /** Aborts the task. */
  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#over) {
      this.#end();
      this.#giveUp();
    }
    this.#items = [];
    this.#failure = undefined;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #push(value: unknown): void {
    const waiter = this.#waiters.shift();
    this.#items.push(value);
    // Through `next`, which counts.
    if (waiter !== undefined) void this.next().then(waiter.resolve, waiter.reject);
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    for (const waiter of this.#waiters.splice(0)) void this.next().then(waiter.resolve, waiter.reject);
  }
}
