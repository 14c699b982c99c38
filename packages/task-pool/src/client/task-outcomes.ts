import { TaskError } from '../errors.js';
import { reviveThrown } from '../wire/revive-thrown.js';
import * as layout from '../wire/task-layout.js';
import type { TaskMessage } from '../wire/task-message.js';
import type { Thrown } from '../wire/thrown.js';
import type { TaskTally, WorkerEnd } from './dispatcher-options.js';
import type { Job } from './job.js';
import { STATES, type Statistics } from './statistics.js';

const MICROSECONDS = 1_000;

/** Settles tasks, each one once: with a result, an error or another attempt. Keeps the counts. */
export class TaskOutcomes {
  readonly #statistics: Statistics;
  readonly #tally: TaskTally | undefined;

  constructor(statistics: Statistics, tally: TaskTally | undefined) {
    this.#statistics = statistics;
    this.#tally = tally;
  }

  /** A worker has answered. */
  answered(job: Job, { number: microseconds, kind, value, broken }: TaskMessage, now: number): void {
    if (job.settled) return this.late(job);
    const run = microseconds / MICROSECONDS;
    const waited = Math.max(0, now - job.queuedAt - run);
    this.#statistics.run.record(run);
    this.#statistics.wait.record(waited);
    this.#tally?.answered(job.name, waited, run);
    if (broken !== undefined) this.fail(job, broken);
    else if (kind === layout.DONE) this.complete(job, value);
    else this.fail(job, reviveThrown(value as Thrown));
  }

  complete(job: Job, value: unknown): void {
    this.#statistics.completed++;
    this.#statistics.publish(STATES.completed, job);
    job.settle();
    this.#tally?.completed(job.name);
    job.listener.done(value);
  }

  fail(job: Job, error: unknown): void {
    if (job.settled) return;
    this.#statistics.failed++;
    this.#statistics.publish(STATES.failed, job, error);
    job.settle();
    this.#tally?.failed(job.name, error);
    job.listener.failed(error);
  }

  /** Counts an answer whose task is already settled. */
  late(job?: Job): void {
    this.#statistics.late++;
    if (job !== undefined) this.#statistics.publish(STATES.late, job);
  }

  /** It is unknown whether the task was begun. True: run it again; otherwise it has been rejected with `error`. */
  lost(job: Job, error: TaskError): boolean {
    job.removeFile();
    if (job.settled) return false;
    if (this.#retry(job)) return true;
    this.fail(job, error);
    return false;
  }

  #retry(job: Job): boolean {
    if (job.retries === 0) return false;
    job.retries--;
    job.attempt++;
    this.#statistics.retried++;
    this.#statistics.publish(STATES.retried, job);
    return true;
  }

  /** The worker that had begun the task is dead. True: run it again; otherwise it has been rejected. */
  died(job: Job, worker: number, end: WorkerEnd): boolean {
    job.removeFile();
    if (job.settled) return false;
    const cause = job.deathCause;
    // The cause belongs to this attempt only.
    job.deathCause = undefined;
    if (this.#retry(job)) return true;
    this.#statistics.died++;
    const how = end.signal ?? `code ${end.code}`;
    const times = job.attempt === 1 ? '' : `; that was attempt ${job.attempt}`;
    const why = cause instanceof Error ? ` ${cause.message}` : '';
    const message = `The task worker ${worker} ended with ${how} while it ran task '${job.name}'${times}.${why}`;
    const options = cause === undefined ? { exit: end } : { exit: end, cause };
    this.fail(job, new TaskError('ERR_MILLRACE_TASK_WORKER_DIED', message, options));
    return false;
  }
}
