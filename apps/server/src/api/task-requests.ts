import {
  type RunOptions,
  type Settled,
  TaskError,
  type TaskReport,
  type Tasks,
  type TaskValue,
} from '@millrace/task-pool';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type { Handlers, ServerEvents } from '../contract/events.js';
import { ServerError } from '../errors.js';
import type { Logger } from '../log/log.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { wrongRole } from '../process/wrong-role.js';
import { type PlainTaskOptions, plainTask } from '../tasks/plain-task.js';
import type { Role } from './role.js';

/** What follows a task's name: its value may be left out where the handler takes none. */
export type TaskArguments<T extends Tasks, Name extends keyof T> =
  undefined extends TaskValue<T, Name>
    ? [value?: TaskValue<T, Name>, options?: RunOptions<TaskReport<T, Name>>]
    : [value: TaskValue<T, Name>, options?: RunOptions<TaskReport<T, Name>>];

/** Tasks that a process of the server has task workers run. Methods are as those of `Server`. */
export class TaskRequests {
  readonly #role: Role;
  readonly #options: ResolvedOptions;
  readonly #handlers: Handlers<ServerEvents>;
  readonly #logs: { readonly log: Logger };

  constructor(
    role: Role,
    options: ResolvedOptions,
    handlers: Handlers<ServerEvents>,
    logs: { readonly log: Logger },
  ) {
    this.#role = role;
    this.#options = options;
    this.#handlers = handlers;
    this.#logs = logs;
  }

  run(name: string, value: unknown, options: RunOptions | undefined): Promise<unknown> {
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
      return tasks.run(name, value, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async runAll(
    name: string,
    values: readonly unknown[],
    options: RunOptions | undefined,
  ): Promise<Settled<unknown>[]> {
    const tasks = this.#client('runAll');
    this.#assertName('runAll', name);
    return tasks.runAll(name, values, options);
  }

  post(name: string, value: unknown, options: RunOptions | undefined): void {
    const tasks = this.#client('post');
    this.#assertName('post', name);
    tasks.post(name, value, options);
  }

  stream(name: string, value: unknown, options: RunOptions | undefined): AsyncIterableIterator<unknown> {
    const tasks = this.#client('stream');
    this.#assertName('stream', name);
    return tasks.stream(name, value, options);
  }

  async plain(data: unknown, options: PlainTaskOptions): Promise<unknown> {
    const tasks = this.#client('plainTask');
    if (!this.#handlers.has('task')) {
      const named = typeof data === 'string' && Object.hasOwn(this.#options.tasks, data);
      const advice = named
        ? `There is a task named '${data}': server.task('${data}') runs it.`
        : `Add server.on('task', …), or run a task of 'tasks' by server.task(name, value).`;
      throw new ServerError(
        'ERR_MILLRACE_HANDLER_MISSING',
        `server.plainTask hands its data to the handler of 'task', and there is none. ${advice}`,
      );
    }
    return plainTask(tasks, { finish: this.#handlers.get('finish'), of: this.#logs }, data, options);
  }

  #client(method: string): TaskSubmitter {
    const role = this.#role;
    const { taskWorkerNum, taskEngine } = this.#options;
    if (role.name !== 'taskWorker' && taskWorkerNum === 0 && taskEngine === undefined) {
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        `There are no task workers for server.${method}: set taskWorkerNum to 1 or more.`,
      );
    }
    const tasks = role.name === 'taskWorker' ? undefined : role.openTasks();
    if (tasks === undefined)
      throw wrongRole(method, 'workers, user processes, the manager and the master', role.name);
    return tasks;
  }

  /** That of a program in JavaScript, where no compiler says so. */
  #assertName(method: string, name: unknown): void {
    const { tasks } = this.#options;
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
