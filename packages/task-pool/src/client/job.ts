import type { AsyncResource } from 'node:async_hooks';
import { type Alarm, optionNames } from '@millrace/channel';
import type { SpilledFile } from '../wire/large-value-files.js';

/** How a task is run; `Report` is what it reports. */
export interface RunOptions<Report = unknown> {
  /** Rejects with the signal's reason; a task that has not started is not run, one that has is told. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it rejects with `ERR_MILLRACE_TASK_TIMEOUT`; 0: unasked; Infinity, the default: never. */
  readonly timeout?: number | undefined;
  /** How often it may be run again because the task worker died while it ran it. Default 0: at most once. */
  readonly retries?: number | undefined;
  /** Index of the task worker that must run it. Default: whichever is free first. */
  readonly worker?: number | undefined;
  /** Of waiting tasks the highest goes first; those of one priority go in their order. Default 0. */
  readonly priority?: number | undefined;
  /** Called with each report that the task makes. */
  readonly onProgress?: ((report: Report) => void) | undefined;
}

export const RUN_OPTIONS = optionNames<RunOptions>({
  signal: true,
  timeout: true,
  retries: true,
  worker: true,
  priority: true,
  onProgress: true,
});

/** What is told about a task to whoever asked for it. */
export interface JobListener {
  done(value: unknown): void;
  failed(error: unknown): void;
  item?(value: unknown): void;
  finish?(value: unknown): void;
}

/** One task, from the asking to the answer. */
export class Job {
  readonly id: number;
  readonly name: string;
  readonly value: unknown;
  /** Bits of the message, see task-layout.ts. */
  readonly flags: number;
  readonly listener: JobListener;
  readonly worker: number | undefined;
  readonly priority: number;
  readonly onProgress: ((report: unknown) => void) | undefined;
  /** The caller's asynchronous context, for what is called on its behalf. */
  readonly context: AsyncResource | undefined;
  readonly queuedAt: number;
  retries: number;
  attempt = 1;
  /** Its caller has had an answer. */
  settled = false;
  /** Undoes the time-out and the signal, where it has one. */
  disarm: (() => void) | undefined;
  /** Tells its client; the same function for all of a client's. */
  leave: ((job: Job) => void) | undefined;

  /** Where it is, once it has been sent: the lane's index, its claim, the file of its value. */
  lane = -1;
  slot = -1;
  sequence = 0;
  file: SpilledFile | undefined;
  /** Microseconds that it is expected to run, by what its like have taken. */
  expected = 0;
  /** Why its worker dies, as that said itself, or whoever has it killed. */
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
    { worker, priority = 0, retries = 0, onProgress }: RunOptions,
    context: AsyncResource | undefined,
    queuedAt: number,
  ) {
    this.id = id;
    this.name = name;
    this.value = value;
    this.flags = flags;
    this.listener = listener;
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

  /** Removes the file of its value, unless its worker has. */
  forgetFile(): void {
    this.file?.remove();
    this.file = undefined;
  }

  /** Tells the caller how far the task is. */
  report(value: unknown): void {
    if (this.settled || this.onProgress === undefined) return;
    if (this.context) this.context.runInAsyncScope(this.onProgress, undefined, value);
    else this.onProgress(value);
  }
}
