import { availableParallelism, tmpdir } from 'node:os';
import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import type { RestartOptions } from '@millrace/process-pool';
import { MAX_WORKERS, SLOTS_PER_QUEUE } from '../claims/claim-layout.js';
import { TaskError } from '../errors.js';
import type { QueueAddress } from '../queue/queue-address.js';
import { linkKind, type TaskTransportName } from '../transports/plan.js';
import { checkAddress, needsQueue } from '../transports/pool-queue.js';
import type { RemoteTransport } from './remote-transport.js';

export interface TaskPoolOptions {
  /** Task workers, which are processes; 0, with the transport of an engine: none here. Default: the number of processors. */
  readonly size?: number;
  /** Tasks that a worker runs at once; more than 1 is for tasks that wait rather than compute. Default 1. */
  readonly concurrency?: number;
  /** Most tasks that wait for a worker. Default 10,000. */
  readonly maxQueue?: number;
  /** One more is refused with `ERR_MILLRACE_TASK_QUEUE_FULL`, or waits until the queue has room. Default `'error'`. */
  readonly whenFull?: 'error' | 'wait';
  /** The transport of tasks; that of an engine, such as `bullmq()`, brings them to other machines. Default `'ring'`. */
  readonly transport?: TaskTransportName | RemoteTransport;
  /** The queue of the transports `'posix-queue'` and `'system-v-queue'`; it stays when the pool ends. */
  readonly queue?: QueueAddress;
  /**
   * `'memory'`: with the transport `'ring'`, values and results up to 256 KiB stay in memory, and larger ones go through
   * a file. `'file'`: from 8,192 bytes on, as with the other transports. Default `'memory'`.
   */
  readonly largeValues?: 'memory' | 'file';
  /** An absolute directory for those files; made if it is missing. Default: the system's. */
  readonly taskTmpdir?: string;
  /** Tasks after which a worker is replaced. Default: never. */
  readonly maxTasks?: number;
  /** Bytes of resident memory beyond which a worker is replaced, after a task. Default: never. */
  readonly maxMemory?: number;
  /**
   * Milliseconds that a task may go on after its time-out or abort before its worker is killed; with a `concurrency` above
   * 1 the other tasks of that worker die with it, and the cause of their errors says so. Default: for ever.
   */
  readonly grace?: number;
  /** The first words of what `ps` shows. Default `'task worker'`. */
  readonly title?: string;
  /** Options for Node itself in the workers. Default: those of this process, but for its title and its debugger. */
  readonly execArgv?: readonly string[];
  /** When a worker that died is started again, see @millrace/process-pool. */
  readonly restart?: RestartOptions;
}

export interface ResolvedPoolOptions
  extends Required<Omit<TaskPoolOptions, 'maxTasks' | 'maxMemory' | 'grace' | 'queue' | 'execArgv'>> {
  readonly execArgv: readonly string[] | undefined;
  readonly queue: QueueAddress | undefined;
  readonly maxTasks: number | undefined;
  readonly maxMemory: number | undefined;
  readonly grace: number | undefined;
}

const POOL_OPTIONS = optionNames<TaskPoolOptions>({
  size: true,
  concurrency: true,
  maxQueue: true,
  whenFull: true,
  transport: true,
  queue: true,
  largeValues: true,
  taskTmpdir: true,
  maxTasks: true,
  maxMemory: true,
  grace: true,
  title: true,
  execArgv: true,
  restart: true,
});

/** Fills in the defaults. Throws `ERR_MILLRACE_TASK_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolvePoolOptions(options: TaskPoolOptions): ResolvedPoolOptions {
  checkOptions(options, POOL_OPTIONS, 'A TaskPool');
  const {
    maxTasks,
    maxMemory,
    grace,
    whenFull = 'error',
    largeValues = 'memory',
    transport = 'ring',
  } = options;
  if (!isRemote(transport)) linkKind(transport);
  if (whenFull !== 'error' && whenFull !== 'wait') {
    throw new TaskError(
      'ERR_MILLRACE_TASK_OPTION',
      `The option 'whenFull' must be 'error' or 'wait', not '${whenFull}'.`,
    );
  }
  if (largeValues !== 'memory' && largeValues !== 'file') {
    throw new TaskError(
      'ERR_MILLRACE_TASK_OPTION',
      `The option 'largeValues' must be 'memory' or 'file', not '${largeValues}'.`,
    );
  }
  return {
    size: count(
      'size',
      options.size ?? Math.min(availableParallelism(), MAX_WORKERS),
      isRemote(transport) ? 0 : 1,
      MAX_WORKERS,
    ),
    // Half of the claims are for what is sent ahead.
    concurrency: count('concurrency', options.concurrency ?? 1, 1, SLOTS_PER_QUEUE / 2),
    maxQueue: count('maxQueue', options.maxQueue ?? 10_000, 1, Number.MAX_SAFE_INTEGER),
    whenFull,
    transport,
    queue: !isRemote(transport) && needsQueue(transport) ? checkAddress(options.queue) : undefined,
    largeValues,
    taskTmpdir: options.taskTmpdir ?? tmpdir(),
    maxTasks: maxTasks === undefined ? undefined : count('maxTasks', maxTasks, 1, Number.MAX_SAFE_INTEGER),
    maxMemory:
      maxMemory === undefined ? undefined : count('maxMemory', maxMemory, 1, Number.MAX_SAFE_INTEGER),
    grace: grace === undefined ? undefined : checkTimeout(grace, 'grace'),
    title: options.title ?? 'task worker',
    execArgv: options.execArgv,
    restart: options.restart ?? {},
  };
}

function isRemote(transport: unknown): transport is RemoteTransport {
  return typeof (transport as Partial<RemoteTransport> | null)?.open === 'function';
}

function count(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TaskError(
    'ERR_MILLRACE_TASK_OPTION',
    `The option '${name}' must be a whole number from ${min} to ${max}, not ${value}.`,
  );
}
