import { EventEmitter } from 'node:events';
import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import type { RunOptions } from '../client/job.js';
import type { Settled, TaskCallback } from '../client/task-client-options.js';
import type {
  RunName,
  StreamName,
  TaskItem,
  TaskReport,
  TaskResult,
  Tasks,
  TasksOf,
  TaskValue,
} from '../runner/tasks.js';
import { LocalPool } from './local-pool.js';
import type { PoolCore, PoolSetup } from './pool-core.js';
import type { TaskPoolEvents, TaskPoolStats } from './pool-events.js';
import { resolvePoolOptions, type TaskPoolOptions } from './pool-options.js';

const CLOSE_OPTIONS = optionNames<{ readonly timeout?: number }>({ timeout: true });

/** What follows a task's name: its value may be left out where the handler takes none. */
type Rest<T extends Tasks, Name extends keyof T, More> =
  undefined extends TaskValue<T, Name>
    ? [value?: TaskValue<T, Name>, more?: More]
    : [value: TaskValue<T, Name>, more?: More];

/**
 * Runs the tasks of a module in processes of its own.
 *
 * Notes. The workers start at once; tasks wait until one is ready. The pool keeps this process alive until it is closed,
 * or after {@link unref} as long as a task has no answer.
 * The README says how often a task runs, and what happens to tasks when a worker dies.
 */
export class TaskPool<Module, T extends Tasks = TasksOf<Module>>
  extends EventEmitter<TaskPoolEvents>
  implements AsyncDisposable
{
  readonly #core: PoolCore;
  #closing: Promise<void> | undefined;

  /** `module` has an export `tasks` made by `defineTasks`. Throws `ERR_MILLRACE_TASK_OPTION` or `_TASK_TMPDIR`. */
  constructor(module: URL | string, options: TaskPoolOptions = {}) {
    super();
    const resolved = resolvePoolOptions(options);
    const setup: PoolSetup = {
      module: String(module),
      options: resolved,
      emit: (event, ...args) => this.emit(event, ...(args as never)),
    };
    const { transport } = resolved;
    this.#core =
      typeof transport === 'string'
        ? new LocalPool({ ...setup, options: { ...resolved, transport } })
        : transport.open(setup);
  }

  /** Lets the pool keep this process alive until it is closed, which is the default. */
  ref(): this {
    return this.#keepLoop(true);
  }

  /** Lets this process end when no task is under way and it has nothing else to do; the workers end with it. */
  unref(): this {
    return this.#keepLoop(false);
  }

  /**
   * Resolves when every worker is ready. Rejects with `ERR_MILLRACE_NO_TASKS` when the module has none, and with
   * `ERR_MILLRACE_POOL_START_FAILED` when a worker is given up.
   */
  ready(): Promise<void> {
    return this.#core.ready();
  }

  /**
   * Runs a task and resolves with its result. Rejects with the error that it threw, with a `TaskError`, or with a `ChannelError`
   * when its value cannot be sent. The workers have been started by the constructor: `run` may be called at once.
   */
  run<Name extends RunName<T>>(
    name: Name,
    ...rest: Rest<T, Name, RunOptions<TaskReport<T, Name>>>
  ): Promise<TaskResult<T, Name>>;
  run(name: string, value?: unknown, options?: RunOptions<never>): Promise<unknown> {
    return this.#core.submitter.run(name, value, options as RunOptions);
  }

  /** Runs a task for each value and resolves with the results by index: `done`, `failed`, or `late` when the time-out passed. */
  runAll<Name extends RunName<T>>(
    name: Name,
    values: readonly TaskValue<T, Name>[],
    options?: RunOptions<TaskReport<T, Name>>,
  ): Promise<Settled<TaskResult<T, Name>>[]> {
    return this.#core.submitter.runAll(name, values, options as RunOptions) as Promise<
      Settled<TaskResult<T, Name>>[]
    >;
  }

  /** Runs a task and calls `callback` once, in the caller's asynchronous context; returns the task's id. */
  call<Name extends RunName<T>>(
    name: Name,
    value: TaskValue<T, Name>,
    callback: TaskCallback<TaskResult<T, Name>>,
    options?: RunOptions<TaskReport<T, Name>>,
  ): number {
    return this.#core.submitter.call(name, value, callback as TaskCallback, options as RunOptions);
  }

  /** Runs a task without waiting for its result; throws only when the task is not accepted. */
  post<Name extends RunName<T>>(name: Name, ...rest: Rest<T, Name, RunOptions<TaskReport<T, Name>>>): void;
  post(name: string, value?: unknown, options?: RunOptions<never>): void {
    this.#core.submitter.post(name, value, options as RunOptions);
  }

  /** Runs a task with several results; the task is at most 16 results ahead of the loop that reads them. */
  stream<Name extends StreamName<T>>(
    name: Name,
    ...rest: Rest<T, Name, RunOptions<TaskReport<T, Name>>>
  ): AsyncIterableIterator<TaskItem<T, Name>>;
  stream(name: string, value?: unknown, options?: RunOptions<never>): AsyncIterableIterator<unknown> {
    return this.#core.submitter.stream(name, value, options as RunOptions);
  }

  stats(): TaskPoolStats {
    return this.#core.stats();
  }

  /** Accepts no more tasks, waits for the pending ones, ends the workers. After `timeout` milliseconds it acts as {@link destroy}. */
  async close(options: { readonly timeout?: number } = {}): Promise<void> {
    checkOptions(options, CLOSE_OPTIONS, 'close()');
    const { timeout = Number.POSITIVE_INFINITY } = options;
    checkTimeout(timeout);
    this.#closing ??= this.#core.close(timeout);
    return this.#closing;
  }

  /** Rejects every task with `ERR_MILLRACE_TASK_CLIENT_CLOSED` and kills the workers. */
  destroy(): Promise<void> {
    const destroyed = this.#core.destroy();
    this.#closing ??= destroyed;
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #keepLoop(on: boolean): this {
    if (this.#closing === undefined) this.#core.keepLoop(on);
    return this;
  }
}
