import { AsyncResource } from 'node:async_hooks';
import { Alarm } from '@millrace/channel/internal';
import { TaskError } from '../errors.js';
import { SILENT, STREAM } from '../wire/task-layout.js';
import type { TaskTally } from './dispatcher-options.js';
import { Job, type JobListener, type RunOptions } from './job.js';
import { checkCallback, checkValues, reasonToRefuse } from './run-options.js';
import type { Statistics, TaskStats } from './statistics.js';
import type { Settled, TaskCallback } from './task-client-options.js';
import { TaskStream } from './task-stream.js';

/** What becomes of accepted tasks: a dispatcher brings them to workers of this machine, or to those of others. */
export interface JobDispatcher {
  readonly statistics: Statistics;
  /** How many wait here. */
  readonly waiting: number;
  /** How many are on their way or run. */
  readonly running: number;
  /** Why a task with these options is refused; undefined when it is not. */
  refusal(options: RunOptions): unknown;
  submit(job: Job): void;
  /** Settles a task with `error`; one that runs is aborted. */
  giveUp(job: Job, error: unknown): void;
  /** The caller of a stream has taken `count` more of its results. */
  credit(job: Job, count: number): void;
  /** Settles every task with `error`. */
  close(error: TaskError): void;
}

export interface SubmitterOptions {
  /** Most tasks that wait in this process. Default 10,000. */
  readonly maxQueue?: number | undefined;
  /** One more is refused with an error, or waits until the queue has room. Default `'error'`. */
  readonly whenFull?: 'error' | 'wait' | undefined;
  readonly tally?: TaskTally | undefined;
  /** Called with true when the first task is pending, and with false when the last is settled. */
  readonly busy?: ((busy: boolean) => void) | undefined;
}

/** Accepts tasks, bounds how many wait, and gives callers their answers, whatever brings the tasks to where they run. */
export class TaskSubmitter<Dispatch extends JobDispatcher = JobDispatcher> {
  protected readonly dispatcher: Dispatch;
  readonly #maxQueue: number;
  readonly #whenFull: 'error' | 'wait';
  /** Tasks that wait for room in the queue (`whenFull: 'wait'`). */
  readonly #outside = new Set<Job>();
  /** Resolved when no task is pending. */
  #waiting: (() => void)[] = [];
  readonly #tally: TaskTally | undefined;
  readonly #busy: ((busy: boolean) => void) | undefined;
  readonly #drainListeners: (() => void)[] = [];
  #wasFull = false;
  #pending = 0;
  #nextId = 1;
  #refused: TaskError | undefined;
  #closed = false;
  /** A task is settled. */
  readonly #left = (job: Job): void => {
    if (this.#outside.size > 0) this.#outside.delete(job);
    if (--this.#pending > 0) return;
    this.#busy?.(false);
    if (this.#waiting.length > 0) for (const resolve of this.#waiting.splice(0)) resolve();
  };

  /** `create` makes the dispatcher, which calls `moved` whenever fewer tasks wait. */
  constructor(options: SubmitterOptions, create: (moved: () => void) => Dispatch) {
    const { maxQueue = 10_000, whenFull = 'error' } = options;
    this.#maxQueue = maxQueue;
    this.#whenFull = whenFull;
    this.#tally = options.tally;
    this.#busy = options.busy;
    this.dispatcher = create(() => this.#backlogShrank());
  }

  /** Runs task `name` with `value`; the result, or the error that it threw, or a {@link TaskError}. */
  run(name: string, value: unknown, options: RunOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#submit(name, value, 0, { done: resolve, failed: reject }, options);
    });
  }

  /** As {@link run}, but also returns the task's id; `onFinish` takes what the task sends by `finish` before its result. */
  runWithId(
    name: string,
    value: unknown,
    options: RunOptions = {},
    onFinish?: (value: unknown) => void,
  ): { readonly id: number; readonly result: Promise<unknown> } {
    let id = 0;
    const result = new Promise((resolve, reject) => {
      const listener: JobListener = { done: resolve, failed: reject };
      if (onFinish !== undefined) listener.finish = onFinish;
      id = this.#submit(name, value, 0, listener, options).id;
    });
    return { id, result };
  }

  /** Runs a task and calls back once, in the caller's asynchronous context; returns the task's id. */
  call(name: string, value: unknown, callback: TaskCallback, options: RunOptions = {}): number {
    checkCallback(callback);
    const context = new AsyncResource('MILLRACE_TASK');
    const once = (error: unknown, result: unknown) => {
      // An exception of the callback becomes an uncaught error; the messages behind this one are still read.
      queueMicrotask(() => context.runInAsyncScope(callback, undefined, error, result));
    };
    const listener = {
      done: (result: unknown) => once(undefined, result),
      failed: (error: unknown) => once(error, undefined),
    };
    return this.#submit(name, value, 0, listener, options).id;
  }

  /** Runs a task without waiting for its result. Throws what {@link run} would reject with before the task is sent. */
  post(name: string, value: unknown, options: RunOptions = {}): void {
    let early: { error: unknown } | undefined;
    const listener = {
      done: () => {},
      failed: (error: unknown) => {
        early = { error };
      },
    };
    this.#submit(name, value, SILENT, listener, options);
    if (early !== undefined) throw early.error;
  }

  /** Runs a task that gives several results, as they come. */
  stream(name: string, value: unknown, options: RunOptions = {}): TaskStream<unknown> {
    const stream = new TaskStream<unknown>(
      (count) => this.dispatcher.credit(job, count),
      () =>
        this.dispatcher.giveUp(
          job,
          new DOMException('The caller takes no more of its results.', 'AbortError'),
        ),
    );
    const job = this.#submit(name, value, STREAM, stream.listener, options);
    return stream;
  }

  /** Runs a task for each value; the results by index. Those that the time-out cut off are `'late'`. */
  async runAll(
    name: string,
    values: readonly unknown[],
    options: RunOptions = {},
  ): Promise<Settled<unknown>[]> {
    checkValues(values);
    return Promise.all(
      values.map((value) =>
        this.run(name, value, options).then(
          (result): Settled<unknown> => ({ status: 'done', value: result }),
          (error: unknown): Settled<unknown> =>
            error instanceof TaskError && error.code === 'ERR_MILLRACE_TASK_TIMEOUT'
              ? { status: 'late' }
              : { status: 'failed', error },
        ),
      ),
    );
  }

  /** How many tasks have no answer yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when every task has its answer. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Calls `listener`, beside earlier ones, when the queue, having been full, is half empty. */
  onDrain(listener: () => void): void {
    this.#drainListeners.push(listener);
  }

  stats(): TaskStats {
    const { statistics, waiting, running } = this.dispatcher;
    return statistics.snapshot(waiting + this.#outside.size, running);
  }

  /** Rejects every further task with `error`. */
  refuse(error: TaskError): void {
    this.#refused ??= error;
  }

  /** Rejects what has no answer yet, by default with `ERR_MILLRACE_TASK_CLIENT_CLOSED`. The creator of the channels closes them. */
  close(error = new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task client was closed.')): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refused ??= error;
    for (const job of [...this.#outside]) this.dispatcher.giveUp(job, error);
    this.dispatcher.close(error);
  }

  /** The accepted tasks that wait for room in the queue. */
  protected get outside(): Iterable<Job> {
    return this.#outside;
  }

  #submit(name: string, value: unknown, flags: number, listener: JobListener, options: RunOptions): Job {
    const context = options.onProgress && new AsyncResource('MILLRACE_TASK');
    const job = new Job(this.#nextId++, name, value, flags, listener, options, context, performance.now());
    const refusal = this.#refusal(options, name);
    if (refusal !== undefined) {
      job.settled = true;
      listener.failed(refusal.reason);
      return job;
    }
    if (this.#pending++ === 0) this.#busy?.(true);
    this.#tally?.asked(name);
    try {
      this.#arm(job, options);
      if (this.dispatcher.waiting < this.#maxQueue) this.dispatcher.submit(job);
      else {
        this.#wasFull = true;
        this.#outside.add(job);
      }
    } catch (error) {
      // A getter of the options has thrown, or the signal is no signal. The task is already counted, so it is settled like any other.
      this.dispatcher.giveUp(job, error);
    }
    return job;
  }

  /** Why a task is refused; undefined when it is accepted. */
  #refusal(options: RunOptions, name: string): { readonly reason: unknown } | undefined {
    if (this.#refused) return { reason: this.#refused };
    const wrong = reasonToRefuse(name, options);
    if (wrong !== undefined) return wrong;
    const reason = this.dispatcher.refusal(options);
    if (reason !== undefined) return { reason };
    const { timeout } = options;
    const { waiting } = this.dispatcher;
    // No worker answers within 0 ms: the task is not sent.
    if (timeout === 0) return { reason: this.#late(name, timeout) };
    if (waiting < this.#maxQueue || this.#whenFull === 'wait') return undefined;
    this.#wasFull = true;
    const message =
      `${waiting} tasks wait, the limit is ${this.#maxQueue} (maxQueue). ` +
      `Wait for 'drain', raise the limit, or let tasks wait for room (whenFull: 'wait').`;
    return { reason: new TaskError('ERR_MILLRACE_TASK_QUEUE_FULL', message) };
  }

  /** Arms the time-out and the signal of a task; `job.disarm` undoes that. */
  #arm(job: Job, { signal, timeout }: RunOptions): void {
    job.leave = this.#left;
    // Most tasks have neither, and allocate nothing here.
    if (timeout === undefined && signal === undefined) return;
    const alarm =
      timeout === undefined
        ? undefined
        : new Alarm(timeout, () => this.dispatcher.giveUp(job, this.#late(job.name, timeout)));
    const onAbort = () => {
      this.dispatcher.statistics.aborted++;
      this.dispatcher.giveUp(job, signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    job.disarm = () => {
      alarm?.cancel();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  #late(name: string, timeout: number): TaskError {
    this.dispatcher.statistics.timedOut++;
    return new TaskError('ERR_MILLRACE_TASK_TIMEOUT', `Task '${name}' had no answer within ${timeout} ms.`);
  }

  /** The queue has become shorter: admits tasks that wait for room, and reports a drain when it is half empty. */
  #backlogShrank(): void {
    for (const job of this.#outside) {
      if (this.dispatcher.waiting >= this.#maxQueue) return;
      this.#outside.delete(job);
      this.dispatcher.submit(job);
    }
    if (!this.#wasFull || this.dispatcher.waiting > this.#maxQueue / 2) return;
    this.#wasFull = false;
    for (const listener of this.#drainListeners) listener();
  }
}
