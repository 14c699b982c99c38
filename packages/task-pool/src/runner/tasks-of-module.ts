import { TaskError } from '../errors.js';
import type { TaskHandler } from './runner-options.js';

/** The tasks that a module exports. Throws `ERR_MILLRACE_NO_TASKS`, which names what it exports instead. */
export function tasksOfModule(url: string, module: Record<string, unknown>): Record<string, TaskHandler> {
  const found = module.tasks ?? module.default;
  if (typeof found === 'object' && found !== null) return found as Record<string, TaskHandler>;
  throw new TaskError(
    'ERR_MILLRACE_NO_TASKS',
    `${url} has no tasks: it needs 'export const tasks = defineTasks({ … })'; ` +
      `it exports ${Object.keys(module).join(', ') || 'nothing'}.`,
  );
}
