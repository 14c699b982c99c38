import type { RunOptions } from '@millrace/task-pool';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type { ServerEvents } from '../contract/events.js';
import type { Logger } from '../log/log.js';

export interface PlainTaskParts {
  readonly finish: readonly ServerEvents['finish'][];
  readonly of: { readonly log: Logger };
}

/** How `server.plainTask` runs a task; as a named one, and: */
export interface PlainTaskOptions extends RunOptions {
  /** Takes the first result in place of the handlers of `finish`. */
  readonly onFinish?: ((result: unknown) => void) | undefined;
}

/** Swoole's own form: results come to `finish`, or the first of them to a callback; a failure is logged. */
export function plainTask(
  tasks: TaskSubmitter,
  { finish, of }: PlainTaskParts,
  data: unknown,
  { onFinish, ...options }: PlainTaskOptions,
): Promise<unknown> {
  let called = false;
  const once = (result: unknown) => {
    if (!called) onFinish?.(result);
    called = true;
  };
  const { id, result } = tasks.runWithId('', data, options, onFinish && once);
  const finished = result.then(async (value) => {
    // Nothing is no result; 0, false and the empty string are.
    if (value === undefined || value === null) return value;
    if (onFinish !== undefined) once(value);
    else for (const handler of finish) await handler({ id, data: value });
    return value;
  });
  finished.catch((error) => of.log.error({ err: error, task: id }, 'a task has failed'));
  return finished;
}
