import type { Exit } from '@millrace/process-pool';
import { TaskError } from '../errors.js';

/** An end as messages show it. */
export function endOf({ code, signal }: Exit): string {
  return signal ?? `code ${code}`;
}

export function notAgain(worker: number, how: string): TaskError {
  return new TaskError('ERR_MILLRACE_NO_TASK_WORKER', `Task worker ${worker} is not started again: ${how}.`);
}

export function noneLeft(how: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_POOL_FAILED', `No task worker is left: ${how}.`);
}

export function closed(): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task pool is closed.');
}
