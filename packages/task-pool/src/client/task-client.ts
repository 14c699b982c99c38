import type { TaskError } from '../errors.js';
import { Dispatcher } from './dispatcher.js';
import type { WorkerEnd } from './dispatcher-options.js';
import type { TaskClientOptions } from './task-client-options.js';
import { TaskSubmitter } from './task-submitter.js';

/**
 * Sends tasks of one process to task workers. Untyped; `TaskPool` and the server put types on it.
 *
 * Notes. A task runs at most once, unless it has `retries`: a task whose worker died is rejected at once, or run again by another
 * worker. A task that the dead worker had not begun goes to another and counts no attempt.
 */
export class TaskClient extends TaskSubmitter<Dispatcher> {
  constructor(options: TaskClientOptions) {
    const { maxQueue, whenFull, busy, ...rest } = options;
    super({ maxQueue, whenFull, busy, tally: rest.tally }, (moved) => new Dispatcher({ ...rest, moved }));
  }

  /** A task worker accepts tasks from here on; before this, nothing is sent to it. */
  workerReady(worker: number): void {
    this.dispatcher.lost.delete(worker);
    this.dispatcher.workerReady(worker);
  }

  /** A task worker has died, of `cause`: tasks that it had begun are rejected at once, or run again. */
  workerDied(worker: number, end: WorkerEnd, cause?: Error): void {
    this.dispatcher.workerDied(worker, end, cause);
  }

  /** The data of a task worker is corrupt. Kill it, and call `workerDied` then. */
  distrust(worker: number, error: Error): void {
    this.dispatcher.distrust(worker, error);
  }

  /** A worker will not be started again: tasks that chose it are rejected. */
  workerLost(worker: number, error: TaskError): void {
    this.dispatcher.lost.set(worker, error);
    for (const job of [...this.dispatcher.backlog.list(worker), ...this.outside])
      if (job.worker === worker) this.dispatcher.giveUp(job, error);
  }
}
