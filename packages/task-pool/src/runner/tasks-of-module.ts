import { shown } from '@millrace/channel';
import { TaskError } from '../errors.js';
import type { TaskHandler } from './runner-options.js';

const NEEDED = "it needs 'export const tasks = defineTasks({ … })'";

/** The tasks that a module exports. Throws `ERR_MILLRACE_NO_TASKS`, which names what it exports instead. */
export function tasksOfModule(url: string, module: Record<string, unknown>): Record<string, TaskHandler> {
  const found = module.tasks ?? module.default;
  const isObject = typeof found === 'object' && found !== null;
  // CommonJS that exports nothing has an empty object as its default export.
  if (!isObject || Object.keys(found).length === 0) {
    const exported = Object.keys(module).join(', ') || 'nothing';
    const what = isObject ? `an empty '${module.tasks === found ? 'tasks' : 'default'}'` : exported;
    throw noTasks(`${url} has no tasks: ${NEEDED}; it exports ${what}.`);
  }
  const other = Object.entries(found).find(([, task]) => typeof task !== 'function');
  if (other !== undefined) {
    const [name, value] = other;
    throw noTasks(`What ${url} has as its task '${name}' is no function, but ${shown(value)}: ${NEEDED}.`);
  }
  return found as Record<string, TaskHandler>;
}

function noTasks(message: string): TaskError {
  return new TaskError('ERR_MILLRACE_NO_TASKS', message);
}
