import { AsyncResource } from 'node:async_hooks';
import { Alarm } from '@millrace/channel';
import { TaskError } from '../errors.js';
import { SILENT, STREAM } from '../wire/task-layout.js';
import { Dispatcher } from './dispatcher.js';
import type { TaskTally, WorkerEnd } from './dispatcher-options.js';
import { Job, type JobListener, type RunOptions } from './job.js';
import { checkCallback, checkValues, wrongWith } from './run-options.js';
import type { TaskStats } from './statistics.js';
import type { Settled, TaskCallback, TaskClientOptions } from './task-client-options.js';
import { TaskStream } from './task-stream.js';

/**
 * Asks task workers to run tasks, from one process. Untyped; `TaskPool` and the server put types on it.
 *
 * Notes. At most once, unless a task asks for `retries`: a task whose worker died is rejected at once, or run again by
 * another; one that the worker had not begun is not lost, and counts as no attempt.
 */
export class TaskClient {
  readonly #dispatcher: Dispatcher;
  readonly #maxQueue: number;
  readonly #whenFull: 'error' | 'wait';
  /** Tasks that wait for a place in the queue. */
  readonly #outside = new Set<Job>();
  /** Resolved when nothing is pending any more. */
  #waiting: (() => void)[] = [];
  readonly #tally: TaskTally | undefined;
  readonly #busy: ((busy: boolean) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #wasFull = false;
  #pending = 0;
  #nextId = 1;
  #refused: TaskError | undefined;
  /** Workers that will not come again, and why. */
  readonly #lost = new Map<number, TaskError>();
  #closed = false;
  /** A task has its answer. */
  readonly #left = (job: Job): void => {
    if (this.#outside.size > 0) this.#outside.delete(job);
    if (--this.#pending > 0) return;
    this.#busy?.(false);
    if (this.#waiting.length > 0) for (const resolve of this.#waiting.splice(0)) resolve();
  };

  constructor(options: TaskClientOptions) {
    const { links, incarnation, maxQueue = 10_000, whenFull = 'error', ...rest } = options;
    this.#maxQueue = maxQueue;
    this.#whenFull = whenFull;
    this.#tally = options.tally;
    this.#busy = options.busy;
    this.#dispatcher = new Dispatcher({ ...rest, links, owner: incarnation, moved: () => this.#moved() });
  }

  /** Runs task `name` with `value`; the result, or the error that it threw, or a {@link TaskError}. */
  run(name: string, value: unknown, options: RunOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#ask(name, value, 0, { done: resolve, failed: reject }, options);
    });
  }

  /** As {@link run}, with the task's id, and with what the task sends by `finish` while it has no result. */
  start(
    name: string,
    value: unknown,
    options: RunOptions = {},
    onFinish?: (value: unknown) => void,
  ): { readonly id: number; readonly result: Promise<unknown> } {
    let id = 0;
    const result = new Promise((resolve, reject) => {
      const listener: JobListener = { done: resolve, failed: reject };
      if (onFinish !== undefined) listener.finish = onFinish;
      id = this.#ask(name, value, 0, listener, options).id;
    });
    return { id, result };
  }

  /** Runs a task and calls back once, in the caller's asynchronous context; returns the task's id. */
  call(name: string, value: unknown, callback: TaskCallback, options: RunOptions = {}): number {
    checkCallback(callback);
    const context = new AsyncResource('MILLRACE_TASK');
    const once = (error: unknown, result: unknown) => {
      // What a callback throws is an uncaught error, and not the end of what else has arrived.
      queueMicrotask(() => context.runInAsyncScope(callback, undefined, error, result));
    };
    const listener = {
      done: (result: unknown) => once(undefined, result),
      failed: (error: unknown) => once(error, undefined),
    };
    return this.#ask(name, value, 0, listener, options).id;
  }

  /** Runs a task for which nobody waits. Throws what {@link run} would be rejected with before the task is sent. */
  post(name: string, value: unknown, options: RunOptions = {}): void {
    let early: { error: unknown } | undefined;
    const listener = {
      done: () => {},
      failed: (error: unknown) => {
        early = { error };
      },
    };
    this.#ask(name, value, SILENT, listener, options);
    if (early !== undefined) throw early.error;
  }

  /** Runs a task that gives several results, as they come. */
  stream(name: string, value: unknown, options: RunOptions = {}): TaskStream<unknown> {
    const stream = new TaskStream<unknown>(
      (count) => this.#dispatcher.credit(job, count),
      () => this.#dispatcher.giveUp(job, new DOMException('Nobody takes more of its results.', 'AbortError')),
    );
    const job = this.#ask(name, value, STREAM, stream.listener, options);
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

  /** A task worker takes tasks from here on; before, nothing is sent to it. */
  workerReady(worker: number): void {
    this.#lost.delete(worker);
    this.#dispatcher.workerReady(worker);
  }

  /** Takes notice that a task worker has died, of `cause`: what it had begun is rejected at once, or run again. */
  workerDied(worker: number, end: WorkerEnd, cause?: Error): void {
    this.#dispatcher.workerDied(worker, end, cause);
  }

  /** What lies between here and a task worker makes no sense; that worker is killed, of which `workerDied` tells. */
  distrust(worker: number, error: Error): void {
    this.#dispatcher.distrust(worker, error);
  }

  /** There will be no such worker any more: tasks that must be run by it are rejected. */
  workerLost(worker: number, error: TaskError): void {
    this.#lost.set(worker, error);
    for (const job of [...this.#dispatcher.backlog.list(worker), ...this.#outside])
      if (job.worker === worker) this.#dispatcher.giveUp(job, error);
  }

  /** How many tasks have no answer yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when every task has its answer. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Called when the queue, having been full, is half empty. */
  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  stats(): TaskStats {
    const { statistics, backlog, running } = this.#dispatcher;
    return statistics.snapshot(backlog.size + this.#outside.size, running);
  }

  /** Takes no more tasks: they are rejected with `error`. */
  refuse(error: TaskError): void {
    this.#refused ??= error;
  }

  /** Rejects what has no answer yet, by default with `ERR_MILLRACE_TASK_CLIENT_CLOSED`. The channels are their maker's. */
  close(error = new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task client was closed.')): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refused ??= error;
    for (const job of [...this.#outside]) this.#dispatcher.giveUp(job, error);
    this.#dispatcher.close(error);
  }

  #ask(name: string, value: unknown, flags: number, listener: JobListener, options: RunOptions): Job {
    const context = options.onProgress && new AsyncResource('MILLRACE_TASK');
    const job = new Job(this.#nextId++, name, value, flags, listener, options, context, performance.now());
    const refusal = this.#refusal(options, name);
    if (refusal !== undefined) {
      job.settled = true;
      listener.failed(refusal.reason);
      return job;
    }
    if (this.#pending++ === 0) this.#busy?.(true);
    this.#tally?.asked();
    try {
      this.#arm(job, options);
      if (this.#dispatcher.backlog.size < this.#maxQueue) this.#dispatcher.submit(job);
      else {
        this.#wasFull = true;
        this.#outside.add(job);
      }
    } catch (error) {
      // A getter among the options, a signal that is none: the task is counted by now, and leaves as any other does.
      this.#dispatcher.giveUp(job, error);
    }
    return job;
  }

  /** Why a task is not taken; undefined when it is. */
  #refusal(options: RunOptions, name: string): { readonly reason: unknown } | undefined {
    if (this.#refused) return { reason: this.#refused };
    const wrong = wrongWith(name, options);
    if (wrong !== undefined) return wrong;
    const { timeout, worker } = options;
    const { lanes, backlog } = this.#dispatcher;
    if (worker !== undefined && lanes[worker] === undefined) {
      const message = `There is no task worker ${worker}; there are ${lanes.length}.`;
      return { reason: new TaskError('ERR_MILLRACE_NO_TASK_WORKER', message) };
    }
    const lost = worker === undefined ? undefined : this.#lost.get(worker);
    if (lost !== undefined) return { reason: lost };
    // No worker answers in no time: it need not be asked.
    if (timeout === 0) return { reason: this.#late(name, timeout) };
    if (backlog.size < this.#maxQueue || this.#whenFull === 'wait') return undefined;
    this.#wasFull = true;
    const message =
      `${backlog.size} tasks wait, the limit is ${this.#maxQueue} (maxQueue). ` +
      `Wait for 'drain', raise the limit, or let tasks wait for a place (whenFull: 'wait').`;
    return { reason: new TaskError('ERR_MILLRACE_TASK_QUEUE_FULL', message) };
  }

  /** Starts what may end a task before its answer, and says how that is undone. */
  #arm(job: Job, { signal, timeout }: RunOptions): void {
    job.leave = this.#left;
    // Most have neither, and need nothing of their own.
    if (timeout === undefined && signal === undefined) return;
    const alarm =
      timeout === undefined
        ? undefined
        : new Alarm(timeout, () => this.#dispatcher.giveUp(job, this.#late(job.name, timeout)));
    const onAbort = () => {
      this.#dispatcher.statistics.aborted++;
      this.#dispatcher.giveUp(job, signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    job.disarm = () => {
      alarm?.cancel();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  #late(name: string, timeout: number): TaskError {
    this.#dispatcher.statistics.timedOut++;
    return new TaskError('ERR_MILLRACE_TASK_TIMEOUT', `Task '${name}' had no answer within ${timeout} ms.`);
  }

  /** The queue has become shorter: lets in what waits outside, and says when there is room again. */
  #moved(): void {
    const { backlog } = this.#dispatcher;
    for (const job of this.#outside) {
      if (backlog.size >= this.#maxQueue) return;
      this.#outside.delete(job);
      this.#dispatcher.submit(job);
    }
    if (!this.#wasFull || backlog.size > this.#maxQueue / 2) return;
    this.#wasFull = false;
    this.#onDrain?.();
  }
}
