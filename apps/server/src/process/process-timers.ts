import { TimerHeap } from '@millrace/timer-heap';

/** The timers that the program makes through the server, in one process. */
export class ProcessTimers {
  #timers: TimerHeap | undefined;
  /** Where those that do not end by themselves were made. */
  readonly #origins = new Map<number, string>();

  /** `madeAt`: the line of the program that asks for it. */
  tick<A extends unknown[]>(
    madeAt: string,
    ms: number,
    callback: (id: number, ...args: A) => void,
    args: A,
  ): number {
    const id = this.#heap.tick(ms, callback, ...args);
    this.#origins.set(id, `a timer of every ${ms} ms, made ${madeAt}`);
    return id;
  }

  after<A extends unknown[]>(ms: number, callback: (...args: A) => void, args: A): number {
    return this.#heap.after(ms, callback, ...args);
  }

  /** False when there is none of that id. */
  clear(id: number): boolean {
    this.#origins.delete(id);
    return this.#heap.clear(id);
  }

  /** Ends all of them. */
  end(): void {
    this.#origins.clear();
    this.#timers?.close();
  }

  /** Those that go on, in words. */
  describe(): readonly string[] {
    return [...this.#origins.values()];
  }

  get #heap(): TimerHeap {
    this.#timers ??= new TimerHeap();
    return this.#timers;
  }
}
