import type { Job } from '@millrace/task-pool/internal';
import { BrokerError } from '../errors.js';

/** What the caller of a task is told of its engine. */

export function away(cause: Error | undefined): BrokerError {
  const why = cause === undefined ? '' : `: ${cause.message}`;
  return new BrokerError(
    'ERR_MILLRACE_TASK_ENGINE_AWAY',
    `The engine cannot be reached${why}. Tasks are refused until it is connected again; with whenFull: 'wait' they wait.`,
    { cause },
  );
}

export function gaveUp({ name }: Job, why: string): BrokerError {
  const message = `The engine gave task '${name}' up: ${why}`;
  return new BrokerError('ERR_MILLRACE_TASK_ENGINE_REFUSED', message);
}

/** `id`: that of the engine. */
export function forgotten({ name }: Job, id: string): BrokerError {
  const message =
    `The engine knows nothing of task '${name}' (${id}), which it had accepted: ` +
    'it was restarted without its data, or has removed the answer. Whether the task has run cannot be told.';
  return new BrokerError('ERR_MILLRACE_TASK_LOST', message);
}

export function resultsLost({ name }: Job, from: number, to: number): BrokerError {
  const message = `Results ${from} to ${to - 1} of task '${name}' were lost by the engine.`;
  return new BrokerError('ERR_MILLRACE_TASK_LOST', message);
}
