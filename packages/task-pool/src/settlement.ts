import type { TaskTally, WorkerEnd } from './dispatcher-options.js';
import { TaskError } from './errors.js';
import type { Job } from './job.js';
import { STATES, type Statistics } from './statistics.js';

/** Gives tasks their answers, each one once, and counts them. */
export class Settlement {
  readonly #statistics: Statistics;
  readonly #tally: TaskTally | undefined;

  constructor(statistics: Statistics, tally: TaskTally | undefined) {
    this.#statistics = statistics;
    this.#tally = tally;
  }

  complete(job: Job, value: unknown): void {
    this.#statistics.completed++;
    this.#statistics.publish(STATES.completed, job);
    job.settle();
    this.#tally?.completed();
    job.listener.done(value);
  }

  fail(job: Job, error: unknown): void {
    if (job.settled) return;
    this.#statistics.failed++;
    this.#statistics.publish(STATES.failed, job, error);
    job.settle();
    this.#tally?.failed();
    job.listener.failed(error);
  }

  /** An answer that nobody waits for any more. */
  late(job?: Job): void {
    this.#statistics.late++;
    if (job !== undefined) this.#statistics.publish(STATES.late, job);
  }

  /** The worker that had begun it is dead: true when it is to be run again, otherwise it is rejected. */
  died(job: Job, worker: number, end: WorkerEnd): boolean {
    job.forgetFile();
    if (job.settled) return false;
    if (job.retries > 0) {
      job.retries--;
      job.attempt++;
      this.#statistics.retried++;
      this.#statistics.publish(STATES.retried, job);
      return true;
    }
    this.#statistics.died++;
    const how = end.signal ?? `code ${end.code}`;
    const times = job.attempt === 1 ? '' : `; that was attempt ${job.attempt}`;
    const message = `The task worker ${worker} ended with ${how} while it ran task '${job.name}'${times}.`;
    this.fail(job, new TaskError('ERR_MILLRACE_TASK_WORKER_DIED', message, { exit: end }));
    return false;
  }
}
