import {
  type RunName,
  type RunOptions,
  type Settled,
  type StreamName,
  TaskError,
  type TaskItem,
  type TaskReport,
  type TaskResult,
  type Tasks,
  type TaskValue,
} from '@millrace/task-pool';
import type { TaskClient } from '@millrace/task-pool/internal';
import { ServerError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type PlainTaskOptions, plainTask } from '../tasks/plain-task.js';
import { ServerLife } from './server-life.js';

/** What follows a task's name: its value may be left out where the handler takes none. */
export type TaskArguments<T extends Tasks, Name extends keyof T> =
  undefined extends TaskValue<T, Name>
    ? [value?: TaskValue<T, Name>, options?: RunOptions<TaskReport<T, Name>>]
    : [value: TaskValue<T, Name>, options?: RunOptions<TaskReport<T, Name>>];

/** What a server does with tasks, in every process but a task worker. */
export abstract class ServerTasks<T extends Tasks> extends ServerLife {
  protected abstract get options(): ResolvedOptions;

  /**
   * Runs a task of `tasks` in a task worker and gives its result, or its error. In a worker, a user process, the manager and
   * the master. Rejects with what the task throws; with a `TaskError`, `ERR_MILLRACE_UNKNOWN_TASK` for what is no name
   * of one; with `ERR_MILLRACE_WRONG_ROLE` in a task worker, or `ERR_MILLRACE_NOT_RUNNING`.
   */
  task<Name extends RunName<T>>(name: Name, ...rest: TaskArguments<T, Name>): Promise<TaskResult<T, Name>>;
  task(name: string, value?: unknown, options?: RunOptions<never>): Promise<unknown> {
    // No async function: each would cost every task a promise, and some turns.
    try {
      const tasks = this.#client('task');
      this.#assertName('task', name);
      if (typeof options === 'function')
        throw new ServerError(
          'ERR_MILLRACE_OPTION',
          'server.task(name, value, options) takes no callback: wait for its promise. ' +
            "Of Swoole's form: server.plainTask(data, { onFinish }).",
        );
      return tasks.run(name, value, options as RunOptions);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs a task for each value; the results by index, `{ status: 'late' }` for those that the time-out cut off. */
  runAll<Name extends RunName<T>>(
    name: Name,
    values: readonly TaskValue<T, Name>[],
    options?: RunOptions<TaskReport<T, Name>>,
  ): Promise<Settled<TaskResult<T, Name>>[]>;
  async runAll(
    name: string,
    values: readonly unknown[],
    options?: RunOptions<never>,
  ): Promise<Settled<unknown>[]> {
    const tasks = this.#client('runAll');
    this.#assertName('runAll', name);
    return tasks.runAll(name, values, options as RunOptions);
  }

  /** Runs a task for which nobody waits; throws what keeps it from being taken, as `task` rejects. */
  post<Name extends RunName<T>>(name: Name, ...rest: TaskArguments<T, Name>): void;
  post(name: string, value?: unknown, options?: RunOptions<never>): void {
    const tasks = this.#client('post');
    this.#assertName('post', name);
    tasks.post(name, value, options as RunOptions);
  }

  /** Runs a task that gives several results; the task goes no further than the loop that takes them, but for 16. */
  stream<Name extends StreamName<T>>(
    name: Name,
    ...rest: TaskArguments<T, Name>
  ): AsyncIterableIterator<TaskItem<T, Name>>;
  stream(name: string, value?: unknown, options?: RunOptions<never>): AsyncIterableIterator<unknown> {
    const tasks = this.#client('stream');
    this.#assertName('stream', name);
    return tasks.stream(name, value, options as RunOptions);
  }

  /**
   * Swoole's own form: hands `data` to the handler of `server.on('task', …)`. What that returns or sends by `task.finish` comes to
   * the handlers of `finish` in this process, or to `onFinish`; the promise resolves with what it returns. Rejects as `task`
   * does, and with `ERR_MILLRACE_HANDLER_MISSING`.
   */
  async plainTask(data: unknown, options: PlainTaskOptions = {}): Promise<unknown> {
    const tasks = this.#client('plainTask');
    if (!this.handlers.has('task')) {
      const named = typeof data === 'string' && Object.hasOwn(this.options.tasks, data);
      const advice = named
        ? `There is a task named '${data}': server.task('${data}') runs it.`
        : `Add server.on('task', …), or run a task of 'tasks' by server.task(name, value).`;
      throw new ServerError(
        'ERR_MILLRACE_HANDLER_MISSING',
        `server.plainTask hands its data to the handler of 'task', and there is none. ${advice}`,
      );
    }
    return plainTask(tasks, { finish: this.handlers.get('finish'), of: this }, data, options);
  }

  #client(method: string): TaskClient {
    if (this.roleAtWork !== undefined && this.role !== 'taskWorker' && this.options.taskWorkerNum === 0) {
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        `There are no task workers for server.${method}: set taskWorkerNum to 1 or more.`,
      );
    }
    const tasks = this.roleAtWork?.tasks;
    if (tasks === undefined)
      throw this.wrongRole(method, 'workers, user processes, the manager and the master');
    return tasks;
  }

  /** That of a program in JavaScript, where no compiler says so. */
  #assertName(method: string, name: unknown): void {
    const { tasks } = this.options;
    if (typeof name === 'string' && Object.hasOwn(tasks, name)) return;
    const known = Object.keys(tasks);
    const shown = typeof name === 'string' ? `'${name}'` : `a value of type ${typeof name}`;
    const are = known.length === 0 ? 'the server has none' : `there are ${known.join(', ')}`;
    throw new TaskError(
      'ERR_MILLRACE_UNKNOWN_TASK',
      `server.${method} takes the name of a task first, and ${shown} is none: ${are}. ` +
        `To hand data to the handler of server.on('task', …), call server.plainTask(data).`,
    );
  }
}
