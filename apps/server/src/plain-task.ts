import type { TaskClient } from '@millrace/task-pool';
import type { ServerEvents } from './events.js';
import type { Logger } from './log.js';

export interface PlainTaskParts {
  readonly finish: readonly ServerEvents['finish'][];
  readonly of: { readonly log: Logger };
}

/** Swoole's own form: results come to `finish`, or the first of them to `callback`; a failure is logged. */
export function plainTask(
  tasks: TaskClient,
  { finish, of }: PlainTaskParts,
  data: unknown,
  worker?: number,
  callback?: (result: unknown) => void,
): Promise<unknown> {
  let called = false;
  const once = (result: unknown) => {
    if (!called) callback?.(result);
    called = true;
  };
  const { id, result } = tasks.start('', data, { worker }, callback && once);
  const finished = result.then(async (value) => {
    // Nothing is no result; 0, false and the empty string are.
    if (value === undefined || value === null) return value;
    if (callback !== undefined) once(value);
    else for (const handler of finish) await handler({ id, data: value });
    return value;
  });
  finished.catch((error) => of.log.error({ err: error, task: id }, 'a task has failed'));
  return finished;
}
