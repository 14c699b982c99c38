import { type Channel, ChannelError } from '@millrace/channel';
import { TaskError } from './errors.js';
import type { TaskReply, TaskRequest } from './protocol.js';
import { reviveThrown } from './thrown.js';

/** The way to one task worker. */
export interface TaskLink {
  readonly channel: Channel<TaskRequest, TaskReply> & { deliverNow(): void };
  /** Whether the task that was sent last is certainly still to be read, whole. */
  readonly lastIsUnread: () => boolean;
}

export interface TaskClientOptions {
  readonly links: readonly TaskLink[];
  /** Which process of its name this is; answers to an earlier one are dropped. */
  readonly incarnation: number;
  /** Most tasks that wait here for a task worker. Default 10,000. */
  readonly maxQueue?: number;
}

export interface RunOptions {
  /** Rejects with the signal's reason; a task that has not started is not run, one that has is not answered. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it rejects with `ERR_MILLRACE_TASK_TIMEOUT`; none by default. */
  readonly timeout?: number | undefined;
  /** Index of the task worker that must run it. Default: whichever is free first. */
  readonly worker?: number | undefined;
}

export interface TaskClientStats {
  readonly queued: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  /** Answers that came after their task had been given up; they were dropped. */
  readonly late: number;
}

interface Job {
  readonly id: number;
  readonly name: string;
  readonly value: unknown;
  readonly worker: number | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Undoes the time-out and the signal. */
  leave: () => void;
  /** Its caller has had an answer. */
  settled: boolean;
}

/**
 * Asks task workers to run tasks, from one process.
 *
 * Notes. Each task worker is given one task of this client at a time; the others wait here, and go to whichever
 * task worker answers first. At most once: a task whose worker died is rejected, unless the worker had not taken it
 * yet: then its replacement runs it.
 */
export class TaskClient {
  readonly #links: readonly TaskLink[];
  readonly #incarnation: number;
  readonly #maxQueue: number;
  /** What each task worker is doing for this client. */
  readonly #running: (Job | undefined)[];
  readonly #queue = new Set<Job>();
  /** Resolved when nothing is pending any more. */
  #waiting: (() => void)[] = [];
  #pending = 0;
  #nextId = 1;
  #completed = 0;
  #failed = 0;
  #late = 0;
  #closed = false;

  constructor({ links, incarnation, maxQueue = 10_000 }: TaskClientOptions) {
    this.#links = links;
    this.#incarnation = incarnation;
    this.#maxQueue = maxQueue;
    this.#running = links.map(() => undefined);
    for (const [index, { channel }] of links.entries())
      channel.onMessage((reply) => this.#answered(index, reply));
  }

  /** Runs task `name` with `value`; the result, or the error that it threw, or a {@link TaskError}. */
  run(name: string, value: unknown, { signal, timeout, worker }: RunOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closed());
      if (signal?.aborted) return reject(signal.reason);
      if (worker !== undefined && this.#links[worker] === undefined) {
        const message = `There is no task worker ${worker}; there are ${this.#links.length}.`;
        return reject(new TaskError('ERR_MILLRACE_NO_TASK_WORKER', message));
      }
      if (this.#queue.size >= this.#maxQueue) {
        const message = `${this.#queue.size} tasks wait, the limit is ${this.#maxQueue} (maxQueue).`;
        return reject(new TaskError('ERR_MILLRACE_TASK_QUEUE_FULL', message));
      }
      const job: Job = {
        id: this.#nextId++,
        name,
        value,
        worker,
        resolve,
        reject,
        leave: () => {},
        settled: false,
      };
      const giveUp = (error: unknown) => this.#fail(job, error);
      const timer =
        timeout === undefined
          ? undefined
          : setTimeout(() => {
              giveUp(
                new TaskError(
                  'ERR_MILLRACE_TASK_TIMEOUT',
                  `Task '${name}' had no answer within ${timeout} ms.`,
                ),
              );
            }, timeout);
      const onAbort = () => giveUp(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      job.leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      this.#queue.add(job);
      this.#pending++;
      this.#dispatch();
    });
  }

  /**
   * Takes notice that a task worker has died: its task is rejected at once, unless the dead one had not taken it from
   * the channel; then its replacement will.
   */
  workerDied(
    worker: number,
    exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  ): void {
    const link = this.#links[worker];
    if (link === undefined || this.#closed) return;
    // What it answered before it died is still to be read.
    link.channel.deliverNow();
    const job = this.#running[worker];
    if (job === undefined || link.lastIsUnread()) return;
    this.#running[worker] = undefined;
    const how = exit.signal ?? `code ${exit.code}`;
    const message = `The task worker ${worker} ended with ${how} while it ran task '${job.name}'.`;
    this.#fail(job, new TaskError('ERR_MILLRACE_TASK_WORKER_DIED', message, exit));
    this.#dispatch();
  }

  /** How many tasks have no answer yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when every task has its answer. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  stats(): TaskClientStats {
    return {
      queued: this.#queue.size,
      running: this.#running.filter((job) => job !== undefined).length,
      completed: this.#completed,
      failed: this.#failed,
      late: this.#late,
    };
  }

  /** Rejects what has no answer yet with `ERR_MILLRACE_TASK_CLIENT_CLOSED`. The channels are their maker's to close. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const job of [...this.#queue, ...this.#running]) if (job) this.#fail(job, closed());
    this.#queue.clear();
  }

  /** Gives waiting tasks to free task workers, the oldest first. */
  #dispatch(): void {
    if (this.#queue.size === 0 || this.#closed) return;
    let free = this.#running.filter((job) => job === undefined).length;
    for (const job of this.#queue) {
      if (free === 0) return;
      const worker = job.worker ?? this.#running.indexOf(undefined);
      if (this.#running[worker] !== undefined) continue;
      this.#queue.delete(job);
      if (this.#send(worker, job)) free--;
    }
  }

  #send(worker: number, job: Job): boolean {
    const { channel } = this.#links[worker] as TaskLink;
    try {
      channel.send([job.id, this.#incarnation, job.name, job.value]);
    } catch (error) {
      // The value cannot be sent, or is too large: the caller's error, and nobody else's.
      if (!(error instanceof ChannelError)) throw error;
      this.#fail(job, error);
      return false;
    }
    this.#running[worker] = job;
    return true;
  }

  #answered(worker: number, reply: TaskReply): void {
    const [id, owner] = reply;
    const job = this.#running[worker];
    if (job === undefined || owner !== this.#incarnation || id !== job.id) {
      // To a process that had this one's place before.
      this.#late++;
      return;
    }
    this.#running[worker] = undefined;
    if (job.settled) this.#late++;
    else if (reply[2]) {
      this.#settle(job);
      this.#completed++;
      job.resolve(reply[3]);
    } else this.#fail(job, reviveThrown(reply[3]));
    this.#dispatch();
  }

  #settle(job: Job): void {
    job.settled = true;
    job.leave();
    if (--this.#pending === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(job: Job, error: unknown): void {
    this.#queue.delete(job);
    if (job.settled) return;
    this.#settle(job);
    this.#failed++;
    job.reject(error);
  }
}

function closed(): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task client was closed.');
}
