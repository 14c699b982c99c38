import { checkOptions, checkWait, shown } from '@millrace/channel';
import { TaskError } from '../errors.js';
import { RUN_OPTIONS, type RunOptions } from './job.js';

/**
 * Checks the arguments of a task before it is counted; returns the reason to refuse it. An option that is not set costs a
 * comparison.
 */
export function reasonToRefuse(name: unknown, options: RunOptions): { readonly reason: unknown } | undefined {
  const { signal, timeout, retries, worker, priority, delay, idempotencyKey, onProgress } = options;
  if (typeof name !== 'string') return refusal(`A task's name must be a string, not ${shown(name)}.`);
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0) && retries !== Infinity)
    return refusal(`'retries' must be a whole number from 0 on or Infinity, not ${shown(retries)}.`);
  if (worker !== undefined && !Number.isInteger(worker))
    return refusal(`'worker' must be the index of a task worker, not ${shown(worker)}.`);
  if (priority !== undefined && !Number.isFinite(priority))
    return refusal(`'priority' must be a finite number, not ${shown(priority)}.`);
  if (delay !== undefined && !(Number.isFinite(delay) && delay >= 0))
    return refusal(`'delay' must be a finite number of milliseconds from 0 on, not ${shown(delay)}.`);
  if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || idempotencyKey === ''))
    return refusal(`'idempotencyKey' must be a string that is not empty, not ${shown(idempotencyKey)}.`);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    return refusal(`'onProgress' must be a function, not ${shown(onProgress)}.`);
  try {
    checkOptions(options, RUN_OPTIONS, 'A task');
    if (timeout !== undefined || signal !== undefined) checkWait({ signal, timeout });
    return undefined;
  } catch (reason) {
    return { reason };
  }
}

/** Throws `ERR_MILLRACE_TASK_OPTION` unless `callback` is a function. */
export function checkCallback(callback: unknown): void {
  if (typeof callback === 'function') return;
  const message = `A task's callback must be a function, not ${shown(callback)}.`;
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}

/** Throws `ERR_MILLRACE_TASK_OPTION` unless `values` is an array. */
export function checkValues(values: unknown): void {
  if (Array.isArray(values)) return;
  const message = `runAll takes an array, with a value for each task, not ${shown(values)}.`;
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}

function refusal(message: string): { readonly reason: TaskError } {
  return { reason: new TaskError('ERR_MILLRACE_TASK_OPTION', message) };
}
