import type { AsyncResource } from 'node:async_hooks';
import { optionNames } from '@millrace/channel';
import type { Alarm } from '@millrace/channel/internal';
import type { LargeValueFile } from '../wire/large-value-files.js';

/** How a task is run; `Report` is what it reports. */
export interface RunOptions<Report = unknown> {
  /** Rejects with the signal's reason; a task that has not started is not run; one that has gets its `signal` aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it rejects with `ERR_MILLRACE_TASK_TIMEOUT`; 0: at once; Infinity, the default: never. */
  readonly timeout?: number | undefined;
  /** How often it may be run again because the task worker died while it ran it. Default 0: at most once. */
  readonly retries?: number | undefined;
  /** Index of the task worker that must run it. Default: the first that is free. */
  readonly worker?: number | undefined;
  /** Of waiting tasks the highest goes first; those of one priority go in their order. Default 0. */
  readonly priority?: number | undefined;
  /** Milliseconds before it may begin. Only with the transport of an engine. */
  readonly delay?: number | undefined;
  /** While the engine knows a task of this key, another one is not run: its caller gets the answer of the first. Only with such a transport. */
  readonly idempotencyKey?: string | undefined;
  /** Called with each report that the task makes. */
  readonly onProgress?: ((report: Report) => void) | undefined;
}

export const RUN_OPTIONS = optionNames<RunOptions>({
  signal: true,
  timeout: true,
  retries: true,
  worker: true,
  priority: true,
  delay: true,
  idempotencyKey: true,
  onProgress: true,
});

/** Receives what becomes of a task. */
export interface JobListener {
  done(value: unknown): void;
  failed(error: unknown): void;
  item?(value: unknown): void;
  finish?(value: unknown): void;
}

/** One task, from the call to the answer. */
export class Job {
  readonly id: number;
  readonly name: string;
  readonly value: unknown;
  /** Bits of the message, see task-layout.ts. */
  readonly flags: number;
  readonly listener: JobListener;
  /** What it was submitted with. */
  readonly options: RunOptions;
  readonly worker: number | undefined;
  readonly priority: number;
  readonly onProgress: ((report: unknown) => void) | undefined;
  /** The caller's asynchronous context, for what is called on its behalf. */
  readonly context: AsyncResource | undefined;
  readonly queuedAt: number;
  retries: number;
  attempt = 1;
  /** Its caller has its answer. */
  settled = false;
  /** Undoes the time-out and the signal, where it has one. */
  disarm: (() => void) | undefined;
  /** Called when it is settled; one function for all tasks of a client. */
  leave: ((job: Job) => void) | undefined;

  /** Once it has been sent: the index of its WorkerQueue, its claim, the file of its value. */
  queue = -1;
  slot = -1;
  sequence = 0;
  file: LargeValueFile | undefined;
  /** Expected microseconds, from earlier tasks of its name. */
  expected = 0;
  /** Why its worker dies: reported by the worker itself or by the process that kills it. */
  deathCause: unknown;
  /** Kills the worker if it does not stop. */
  grace: Alarm | undefined;

  /** Its place in the backlog. */
  previous: Job | undefined;
  next: Job | undefined;
  list: object | undefined;

  constructor(
    id: number,
    name: string,
    value: unknown,
    flags: number,
    listener: JobListener,
    options: RunOptions,
    context: AsyncResource | undefined,
    queuedAt: number,
  ) {
    const { worker, priority = 0, retries = 0, onProgress } = options;
    this.id = id;
    this.name = name;
    this.value = value;
    this.flags = flags;
    this.listener = listener;
    this.options = options;
    this.worker = worker;
    this.priority = priority;
    this.retries = retries;
    this.onProgress = onProgress;
    this.context = context;
    this.queuedAt = queuedAt;
  }

  /** It has its answer. */
  settle(): void {
    this.settled = true;
    this.disarm?.();
    this.leave?.(this);
  }

  /** Removes the file of its value, unless the worker has. */
  removeFile(): void {
    this.file?.remove();
    this.file = undefined;
  }

  /** Passes a report of the task to the caller. */
  report(value: unknown): void {
    if (this.settled || this.onProgress === undefined) return;
    if (this.context) this.context.runInAsyncScope(this.onProgress, undefined, value);
    else this.onProgress(value);
  }
}
