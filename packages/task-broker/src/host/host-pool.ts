import { type TaskError, TaskPool, type TaskPoolEvents, type TaskPoolOptions } from '@millrace/task-pool';
import type { HostRunner, RunOptions } from '@millrace/task-pool/internal';
import { taskProgram } from './task-call.js';

/** The events of a pool that a host has as well. */
const FORWARDED = ['workerReady', 'workerExit', 'workerKilled', 'workerCorrupt'] as const;

type Forward = (name: (typeof FORWARDED)[number], ...args: readonly unknown[]) => void;

/** What runs the claims of a host. */
export interface HostPool extends HostRunner {
  ready(): Promise<void>;
  stats(): Pick<ReturnType<TaskPool<Calls>['stats']>, 'workers' | 'utilisation'>;
  /** Calls back when there is no task process left, and none is started. */
  onFailed(listener: (error: TaskError) => void): void;
  forward(listener: Forward): void;
  /** Ends the task processes, of which none runs a task any more. */
  close(): Promise<void>;
  /** Kills them. */
  destroy(): Promise<void>;
}

/** What task-program.ts makes of the user's tasks. */
interface Calls {
  readonly tasks: Readonly<Record<string, (call: unknown) => Promise<unknown>>>;
}
interface Streams {
  readonly tasks: Readonly<Record<string, (call: unknown) => AsyncGenerator<unknown>>>;
}

/** Task processes of the host's own. */
export class OwnPool implements HostPool {
  readonly places: number;
  readonly #pool: TaskPool<Calls>;

  constructor(module: string, valueLimit: number, options: TaskPoolOptions) {
    const maxQueue = Number.MAX_SAFE_INTEGER;
    this.#pool = new TaskPool<Calls>(taskProgram(module, valueLimit), { ...options, maxQueue });
    this.places = this.#pool.stats().workers.length;
  }

  watch(ready: (worker: number) => void, ended: (worker: number) => void): void {
    const pids = new Map<number, number | undefined>();
    this.#pool.on('workerReady', ({ worker, pid }) => {
      pids.set(worker, pid);
      ready(worker);
    });
    this.#pool.on('workerExit', ({ worker, pid }) => {
      // One that was replaced ends after its successor is ready.
      if (pids.get(worker) === pid) ended(worker);
    });
  }

  run(name: string, call: unknown, options: RunOptions): Promise<unknown> {
    return this.#pool.run(name, call, options);
  }

  stream(name: string, call: unknown, options: RunOptions): AsyncIterable<unknown> {
    const streams = this.#pool as unknown as TaskPool<Streams>;
    return streams.stream(name, call, options);
  }

  ready(): Promise<void> {
    return this.#pool.ready();
  }

  stats(): ReturnType<HostPool['stats']> {
    return this.#pool.stats();
  }

  onFailed(listener: (...args: TaskPoolEvents['failed']) => void): void {
    this.#pool.on('failed', listener);
  }

  forward(listener: Forward): void {
    for (const name of FORWARDED)
      this.#pool.on(name, (...args: readonly unknown[]) => listener(name, ...args));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** Those of a server, which starts and ends them. */
export class LentPool implements HostPool {
  readonly places: number;
  readonly #runner: HostRunner;

  constructor(runner: HostRunner) {
    this.#runner = runner;
    this.places = runner.places;
  }

  watch(ready: (worker: number) => void, ended: (worker: number) => void): void {
    this.#runner.watch(ready, ended);
  }

  run(name: string, call: unknown, options: RunOptions): Promise<unknown> {
    return this.#runner.run(name, call, options);
  }

  stream(name: string, call: unknown, options: RunOptions): AsyncIterable<unknown> {
    return this.#runner.stream(name, call, options);
  }

  async ready(): Promise<void> {}

  stats(): ReturnType<HostPool['stats']> {
    return { workers: [], utilisation: 0 };
  }

  /** The server starts them for as long as it runs. */
  onFailed(): void {}

  forward(): void {}

  async close(): Promise<void> {}

  async destroy(): Promise<void> {}
}
