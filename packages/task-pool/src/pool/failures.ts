import type { Exit } from '@millrace/process-pool';
import { TaskError } from '../errors.js';

/** How a process ended, for messages. */
export function endOf({ code, signal }: Exit): string {
  return signal ?? `code ${code}`;
}

export function workerNotRestarted(worker: number, how: string): TaskError {
  return new TaskError('ERR_MILLRACE_NO_TASK_WORKER', `Task worker ${worker} is not started again: ${how}.`);
}

export function noWorkerLeft(how: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_POOL_FAILED', `No task worker is left: ${how}.`);
}

export function noTasks(message: string, cause: unknown): TaskError {
  return new TaskError('ERR_MILLRACE_NO_TASKS', message, { cause });
}

export function closed(): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task pool is closed.');
}
