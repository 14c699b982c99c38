import { TaskError } from '../errors.js';
import type { TaskName } from './dispatcher-options.js';
import type { Job } from './job.js';

/** Gives the tasks that die with the worker a cause that names the stuck task `job`. */
export function markKilledFor(job: Job, worker: number, grace: number, alongside: readonly Job[]): void {
  const message =
    `Task worker ${worker} was killed, for task '${job.name}' (${job.id}) went on for more than ${grace} ms ` +
    'after its time-out or abort (option grace).';
  for (const other of alongside) other.deathCause = new TaskError('ERR_MILLRACE_TASK_STUCK', message);
}

export function nameOf({ id, name }: Job): TaskName {
  return { id, name };
}
