import type { ServerPlan } from '../contract/role.js';
import { ServerError } from '../errors.js';
import type { ResolvedOptions } from './resolve-options.js';
import type { ResolvedPort } from './resolved-port.js';

const SAME = [
  'mode',
  'reactorNum',
  'workerNum',
  'maxWorkerNum',
  'taskWorkerNum',
  'maxTaskWorkerNum',
  'maxConnections',
  'ipc',
  'ringSize',
  'taskTransport',
  'taskRingSize',
  'taskQueueKey',
  'taskQueueName',
  'taskLargeValues',
] as const satisfies readonly (keyof ResolvedOptions)[];

/** Every process runs the entry module up to `start`, and finds what they share by what it says there. */
export function planOf(
  options: ResolvedOptions,
  ports: readonly ResolvedPort[],
  userProcesses: number,
): ServerPlan {
  return {
    ...Object.fromEntries(SAME.map((name) => [`option '${name}'`, options[name] ?? null])),
    // The engine is plain data in some processes, and functions in others: by its name it is one.
    ...(options.taskEngine && { "option 'taskTransport'": options.taskEngine.name }),
    'number of listeners': ports.length,
    'number of processes by addProcess': userProcesses,
  };
}

/** Throws `ERR_MILLRACE_OPTION` where this process has come to another plan than the one that has started it. */
export function assertSamePlan(own: ServerPlan, given: ServerPlan | undefined): void {
  if (given === undefined) return;
  const differing = Object.keys(own).filter(
    (name) => JSON.stringify(own[name]) !== JSON.stringify(given[name]),
  );
  if (differing.length === 0) return;
  const [name = ''] = differing;
  const message =
    `The ${name} is ${JSON.stringify(own[name])} in this process, and ${JSON.stringify(given[name])} in the one that has ` +
    'started it. Every process runs the entry module up to start, and has to come to the same there: it cannot depend on ' +
    'the role, the time or chance, and a change of the program that concerns it takes a restart, not a reload.';
  throw new ServerError('ERR_MILLRACE_OPTION', message);
}
