import { TaskError } from '../errors.js';
import { pipeTransport } from './pipe.js';
import { queueTransport } from './queue.js';
import { ringTransport } from './ring.js';
import type { TaskTransport, TaskTransportName } from './transport.js';

const TRANSPORTS: Record<TaskTransportName, TaskTransport> = {
  pipe: pipeTransport,
  ring: ringTransport,
  'posix-queue': queueTransport,
  'system-v-queue': queueTransport,
};

/** Throws `ERR_MILLRACE_TASK_OPTION` when there is none of that name. */
export function taskTransport(name: TaskTransportName): TaskTransport {
  if (Object.hasOwn(TRANSPORTS, name)) return TRANSPORTS[name];
  const known = Object.keys(TRANSPORTS).join(', ');
  throw new TaskError(
    'ERR_MILLRACE_TASK_OPTION',
    `There is no task transport '${name}'; there are: ${known}.`,
  );
}
