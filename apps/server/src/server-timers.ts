import { TimerHeap } from '@millrace/timer-heap';

/** The timers of a server in one process. */
export abstract class ServerTimers {
  #timers: TimerHeap | undefined;

  /** Calls `callback(id, …args)` every `ms` milliseconds in this process. */
  tick<A extends unknown[]>(ms: number, callback: (id: number, ...args: A) => void, ...args: A): number {
    return this.#timerHeap.tick(ms, callback, ...args);
  }

  /** Calls `callback(…args)` once, after `ms` milliseconds, in this process. */
  after<A extends unknown[]>(ms: number, callback: (...args: A) => void, ...args: A): number {
    return this.#timerHeap.after(ms, callback, ...args);
  }

  /** Ends a timer of this process; false when there is none of that id. */
  clear(id: number): boolean {
    return this.#timerHeap.clear(id);
  }

  get #timerHeap(): TimerHeap {
    this.#timers ??= new TimerHeap();
    return this.#timers;
  }

  /** Ends all of them. */
  protected endTimers(): void {
    this.#timers?.close();
  }
}
