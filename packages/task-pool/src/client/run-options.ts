import { checkOptions, checkWait, shown } from '@millrace/channel';
import { TaskError } from '../errors.js';
import { RUN_OPTIONS, type RunOptions } from './job.js';

/**
 * Why a task cannot be asked for like this; undefined when it can. Looked at before the task is counted. What is not set
 * costs a comparison.
 */
export function wrongWith(name: unknown, options: RunOptions): { readonly reason: unknown } | undefined {
  const { signal, timeout, retries, worker, priority, onProgress } = options;
  if (typeof name !== 'string') return wrong(`The name of a task is a string, not ${shown(name)}.`);
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0) && retries !== Infinity)
    return wrong(`'retries' is a whole number from 0 on, not ${shown(retries)}.`);
  if (worker !== undefined && !Number.isInteger(worker))
    return wrong(`'worker' is the index of a task worker, not ${shown(worker)}.`);
  if (priority !== undefined && !Number.isFinite(priority))
    return wrong(`'priority' is a number, not ${shown(priority)}.`);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    return wrong(`'onProgress' is a function, not ${shown(onProgress)}.`);
  try {
    checkOptions(options, RUN_OPTIONS, 'A task');
    if (timeout !== undefined || signal !== undefined) checkWait({ signal, timeout });
    return undefined;
  } catch (reason) {
    return { reason };
  }
}

/** Throws what {@link wrongWith} would say of what is no function. */
export function checkCallback(callback: unknown): void {
  if (typeof callback === 'function') return;
  const message = `The callback of a task is a function, not ${shown(callback)}.`;
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}

/** Throws for what is no array: each of its elements is the value of a task. */
export function checkValues(values: unknown): void {
  if (Array.isArray(values)) return;
  const message = `runAll takes an array, with a value for each task, not ${shown(values)}.`;
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}

function wrong(message: string): { readonly reason: TaskError } {
  return { reason: new TaskError('ERR_MILLRACE_TASK_OPTION', message) };
}
