import { TimerHeap } from '@millrace/timer-heap';

/** The timers of a server in one process. */
export abstract class ServerTimers {
  #timers: TimerHeap | undefined;
  /** Where those that do not end by themselves were made. */
  readonly #origins = new Map<number, string>();

  /**
   * Calls `callback(id, …args)` every `ms` milliseconds in this process, from now on. What stands before `start` (and after it, at the
   * top of the program) runs in every process: for a timer in some of them ask {@link Server.role}, or make it where only they come:
   *
   * @example
   * server.on('workerStart', () => { if (!server.taskWorker) server.tick(1_000, report); });   // each worker
   * server.on('start', () => server.tick(1_000, report));                                      // the master
   * server.addProcess(() => void server.tick(1_000, report));                                  // one process of its own
   */
  tick<A extends unknown[]>(ms: number, callback: (id: number, ...args: A) => void, ...args: A): number {
    const id = this.#timerHeap.tick(ms, callback, ...args);
    this.#origins.set(id, `a timer of every ${ms} ms, made ${caller()}`);
    return id;
  }

  /** Calls `callback(…args)` once, after `ms` milliseconds, in this process; in which, `tick` tells. */
  after<A extends unknown[]>(ms: number, callback: (...args: A) => void, ...args: A): number {
    return this.#timerHeap.after(ms, callback, ...args);
  }

  /** Ends a timer of this process; false when there is none of that id. */
  clear(id: number): boolean {
    this.#origins.delete(id);
    return this.#timerHeap.clear(id);
  }

  get #timerHeap(): TimerHeap {
    this.#timers ??= new TimerHeap();
    return this.#timers;
  }

  /** Ends all of them. */
  protected endTimers(): void {
    this.#origins.clear();
    this.#timers?.close();
  }

  /** Those that go on, in words. */
  protected describeTimers(): readonly string[] {
    return [...this.#origins.values()];
  }
}

/** The line that has called a method of the server: `at …`. */
function caller(): string {
  // An error, `caller`, the method, and who called that.
  return new Error().stack?.split('\n')[3]?.trim() ?? 'somewhere';
}
