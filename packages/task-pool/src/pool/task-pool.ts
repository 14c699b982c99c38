import { randomBytes, randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import { inTime } from '@millrace/channel/internal';
import { type Exit, type Member, ProcessPool } from '@millrace/process-pool';
import type { TaskName } from '../client/dispatcher-options.js';
import type { RunOptions } from '../client/job.js';
import { TaskClient } from '../client/task-client.js';
import type { Settled, TaskCallback } from '../client/task-client-options.js';
import { TaskError } from '../errors.js';
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
import { createPoolLinks, type PoolLinks } from '../transports/pool-links.js';
import {
  type OwnedQueue,
  openOwnedQueue,
  type PoolQueue,
  queueDirectory,
  VALUES,
} from '../transports/pool-queue.js';
import { LargeValueFiles } from '../wire/large-value-files.js';
import { WORKER_PROGRAM } from '../worker-program.js';
import { atExit } from './at-exit.js';
import { closed, endOf, noWorkerLeft, workerNotRestarted } from './failures.js';
import { KeepAlive } from './keep-alive.js';
import type { TaskPoolEvents, TaskPoolStats } from './pool-events.js';
import { type ResolvedPoolOptions, resolvePoolOptions, type TaskPoolOptions } from './pool-options.js';
import { type CorruptMessage, fileWriter, type WorkerSetup } from './worker-setup.js';

const CLOSE_OPTIONS = optionNames<{ readonly timeout?: number }>({ timeout: true });

/** What follows a task's name: its value may be left out where the handler takes none. */
type Rest<T extends Tasks, Name extends keyof T, More> =
  undefined extends TaskValue<T, Name>
    ? [value?: TaskValue<T, Name>, more?: More]
    : [value: TaskValue<T, Name>, more?: More];

let pools = 0;

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
  readonly #options: ResolvedPoolOptions;
  readonly #files: LargeValueFiles;
  readonly #removeFiles: () => void;
  readonly #notAtExit: () => void;
  readonly #keepAlive = new KeepAlive();
  readonly #queue: OwnedQueue | undefined;
  readonly #links: PoolLinks;
  readonly #client: TaskClient;
  readonly #processes: ProcessPool;
  readonly #ready: Promise<void>;
  readonly #startedAt = performance.now();
  #closing: Promise<void> | undefined;

  /** `module` has an export `tasks` made by `defineTasks`. Throws `ERR_MILLRACE_TASK_OPTION` or `_TASK_TMPDIR`. */
  constructor(module: URL | string, options: TaskPoolOptions = {}) {
    super();
    this.#options = resolvePoolOptions(options);
    const { size, concurrency, maxQueue, whenFull, grace } = this.#options;
    const incarnation = randomInt(1, 2 ** 32);
    const { taskTmpdir, transport } = this.#options;
    const queue = this.#poolQueue();
    // What the queue still holds at the end names files.
    this.#files = queue
      ? LargeValueFiles.planShared(taskTmpdir, queueDirectory(queue), `${VALUES}-${queue.run}`)
      : LargeValueFiles.plan(taskTmpdir, String(pools++));
    this.#files.make();
    this.#removeFiles = () => (queue ? this.#files.removeEmpty() : this.#files.remove());
    try {
      this.#queue = queue && openOwnedQueue(queue, this.#files);
      const values = { files: this.#files, inMemory: this.#options.largeValues === 'memory' };
      const onCorrupt = (worker: number, error: Error) => this.#corrupt(worker, error.message);
      this.#links = createPoolLinks(transport, size, values, onCorrupt);
    } catch (error) {
      this.#queue?.close();
      this.#removeFiles();
      throw error;
    }
    this.#client = new TaskClient({
      links: this.#links.ends,
      shared: this.#queue?.link,
      incarnation,
      maxQueue,
      whenFull,
      claims: this.#links.claims,
      concurrency,
      grace,
      stuck: (worker, task, alongside) => this.#kill(worker, task, alongside),
      dropped: (_worker, { message }) => process.emitWarning(message),
      busy: (busy) => (busy ? this.#keepAlive.begin() : this.#keepAlive.end()),
    });
    this.#client.onDrain(() => this.emit('drain'));
    this.#processes = new ProcessPool(
      Array.from({ length: size }, (_, worker) => this.#member(worker, queue, String(module))),
      {
        onReady: (member) => this.#workerReady(member),
        onMessage: (member, body) => this.#workerMessage(member, body),
        onExit: (member, exit, delay) => this.#workerExit(member, exit, delay),
        onGaveUp: (member, exit) => this.#gaveUp(member, exit),
      },
    );
    this.#ready = this.#processes.start();
    // `ready` rejects with it, and so do the tasks; without `ready` it is no unhandled rejection.
    this.#ready.catch(() => {});
    this.#notAtExit = atExit(this.#removeFiles);
  }

  /** Lets the pool keep this process alive until it is closed, which is the default. */
  ref(): this {
    return this.#keepLoop(true);
  }

  /** Lets this process end when no task is under way and it has nothing else to do; the workers end with it. */
  unref(): this {
    return this.#keepLoop(false);
  }

  /** Resolves when every worker is ready; rejects with `ERR_MILLRACE_POOL_START_FAILED` when one is given up. */
  async ready(): Promise<void> {
    this.#keepAlive.begin();
    try {
      await this.#ready;
    } finally {
      this.#keepAlive.end();
    }
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
    return this.#client.run(name, value, options as RunOptions);
  }

  /** Runs a task for each value and resolves with the results by index: `done`, `failed`, or `late` when the time-out passed. */
  runAll<Name extends RunName<T>>(
    name: Name,
    values: readonly TaskValue<T, Name>[],
    options?: RunOptions<TaskReport<T, Name>>,
  ): Promise<Settled<TaskResult<T, Name>>[]> {
    return this.#client.runAll(name, values, options as RunOptions) as Promise<
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
    return this.#client.call(name, value, callback as TaskCallback, options as RunOptions);
  }

  /** Runs a task without waiting for its result; throws only when the task is not accepted. */
  post<Name extends RunName<T>>(name: Name, ...rest: Rest<T, Name, RunOptions<TaskReport<T, Name>>>): void;
  post(name: string, value?: unknown, options?: RunOptions<never>): void {
    this.#client.post(name, value, options as RunOptions);
  }

  /** Runs a task with several results; the task is at most 16 results ahead of the loop that reads them. */
  stream<Name extends StreamName<T>>(
    name: Name,
    ...rest: Rest<T, Name, RunOptions<TaskReport<T, Name>>>
  ): AsyncIterableIterator<TaskItem<T, Name>>;
  stream(name: string, value?: unknown, options?: RunOptions<never>): AsyncIterableIterator<unknown> {
    return this.#client.stream(name, value, options as RunOptions);
  }

  stats(): TaskPoolStats {
    const stats = this.#client.stats();
    const { size, concurrency } = this.#options;
    const available = (performance.now() - this.#startedAt) * size * concurrency;
    return {
      ...stats,
      utilisation: Math.min(1, (stats.runTime.mean * stats.runTime.count) / available),
      workers: this.#processes.members.map(({ pid, state, incarnation }) => ({
        pid,
        state,
        starts: incarnation,
      })),
    };
  }

  /** Accepts no more tasks, waits for the pending ones, ends the workers. After `timeout` milliseconds it acts as {@link destroy}. */
  async close(options: { readonly timeout?: number } = {}): Promise<void> {
    checkOptions(options, CLOSE_OPTIONS, 'close()');
    const { timeout = Number.POSITIVE_INFINITY } = options;
    checkTimeout(timeout);
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  /** Rejects every task with `ERR_MILLRACE_TASK_CLIENT_CLOSED` and kills the workers. */
  destroy(): Promise<void> {
    this.#client.close(closed());
    for (const member of this.#processes.members) member.kill('SIGKILL');
    this.#closing ??= this.#end(0);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #keepLoop(on: boolean): this {
    if (this.#closing !== undefined) return this;
    if (on) this.#processes.ref();
    else this.#processes.unref();
    this.#links.keepLoop(on);
    this.#keepAlive.turn(!on);
    return this;
  }

  async #close(timeout: number): Promise<void> {
    this.#client.refuse(closed());
    await inTime(this.#client.settled(), timeout);
    this.#client.close(closed());
    await this.#end();
  }

  async #end(timeout?: number): Promise<void> {
    await this.#processes.stop(timeout === undefined ? {} : { timeout });
    this.#keepAlive.close();
    this.#notAtExit();
    this.#links.close();
    this.#queue?.close();
    this.#removeFiles();
  }

  #poolQueue(): PoolQueue | undefined {
    const { queue } = this.#options;
    return queue && { address: queue, run: randomBytes(8).toString('hex') };
  }

  #member(worker: number, queue: PoolQueue | undefined, module: string) {
    const { size, concurrency, transport, maxTasks, maxMemory, title, execArgv, restart } = this.#options;
    const data: WorkerSetup = {
      worker,
      workers: size,
      concurrency,
      transport,
      queue,
      files: this.#files.path,
      valuesInMemory: this.#options.largeValues === 'memory',
      maxTasks,
      maxMemory,
    };
    return {
      name: `task worker ${worker}`,
      title: `${title} ${worker}`,
      entry: WORKER_PROGRAM,
      args: [module],
      ...(execArgv && { execArgv }),
      descriptors: this.#links.descriptors(worker),
      data,
      restart,
    };
  }

  #workerReady(member: Member): void {
    const { worker } = member.spec.data as WorkerSetup;
    this.#client.workerReady(worker);
    this.emit('workerReady', { worker, pid: member.pid as number });
  }

  #workerExit(member: Member, exit: Exit, delay: number | undefined): void {
    const { worker } = member.spec.data as WorkerSetup;
    this.#client.workerDied(worker, exit);
    // The process may have left a half-written ring. Tasks not begun have been taken back, so the ring holds nothing of use.
    if (exit.code !== 0) this.#links.ends[worker]?.reset();
    // Only now: its last answers have been read.
    this.#files.removeOf(fileWriter(worker, member.incarnation));
    this.emit('workerExit', { ...exit, worker, delay });
    if (member.wanted || member.state === 'given-up' || this.#closing !== undefined) return;
    this.#lost(worker, `it ended with ${endOf(exit)}, and the option 'restart' allows no further start`);
  }

  #gaveUp(member: Member, exit: Exit): void {
    const { worker } = member.spec.data as WorkerSetup;
    const how = `it kept ending before it was ready, the last time with ${endOf(exit)}; its standard error has the reason`;
    this.#lost(worker, how);
  }

  /** A worker that will not be started again. */
  #lost(worker: number, how: string): void {
    this.#client.workerLost(worker, workerNotRestarted(worker, how));
    if (!this.#processes.members.some(({ wanted }) => wanted)) this.#client.close(noWorkerLeft(how));
  }

  #workerMessage(member: Member, body: unknown): void {
    const { type, message } = (body ?? {}) as { readonly type?: unknown; readonly message?: unknown };
    if (type === ('corrupt' satisfies CorruptMessage['type']))
      this.#corrupt((member.spec.data as WorkerSetup).worker, String(message));
  }

  /** Kills the worker; its link is reset for its successor when it has ended. */
  #corrupt(worker: number, why: string): void {
    const member = this.#processes.members[worker] as Member;
    const { transport } = this.#options;
    const message = `The ${transport} between this pool and task worker ${worker} (pid ${member.pid}) is corrupt: ${why} The worker is killed and replaced.`;
    const error = new TaskError('ERR_MILLRACE_TASK_CORRUPT', message);
    this.#client.distrust(worker, error);
    // This runs inside of reading a message: an exception of a listener must not count as a reading error.
    queueMicrotask(() => this.emit('workerCorrupt', { worker, pid: member.pid, error }));
    member.kill('SIGKILL');
  }

  #kill(worker: number, task: TaskName, alongside: readonly TaskName[]): void {
    const member = this.#processes.members[worker] as Member;
    this.emit('workerKilled', { worker, pid: member.pid, task, alongside });
    member.kill('SIGKILL');
  }
}
