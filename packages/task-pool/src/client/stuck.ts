import { TaskError } from '../errors.js';
import type { TaskName } from './dispatcher-options.js';
import type { Job } from './job.js';

/** Lets those that die with a worker that is killed for `job` say whose end it was. */
export function blame(job: Job, worker: number, grace: number, alongside: readonly Job[]): void {
  const message =
    `Task worker ${worker} was killed, for task '${job.name}' (${job.id}) went on for more than ${grace} ms ` +
    'after it was given up (grace).';
  for (const other of alongside) other.deathCause = new TaskError('ERR_MILLRACE_TASK_STUCK', message);
}

export function nameOf({ id, name }: Job): TaskName {
  return { id, name };
}
