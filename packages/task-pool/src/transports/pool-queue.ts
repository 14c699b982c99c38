import { syscalls } from '@millrace/native/syscalls';
import type { SharedLink } from '../client/worker-queue.js';
import { TaskError } from '../errors.js';
import { ownQueue, type QueueAddress, queueTitle } from '../queue/queue-address.js';
import { TaskQueue } from '../queue/task-queue.js';
import type { LargeValueFiles } from '../wire/large-value-files.js';
import type { TaskTransportName } from './plan.js';

/**
 * One system queue for all workers: a free worker takes the oldest task, also of another program. Answers, and tasks for a chosen
 * worker, use the worker's own link.
 *
 * Notes. The queue stays when the pool ends; tasks in it are run by the next pool that opens it, and their
 * results are discarded. One pool at a time.
 */

/** The system queue of a pool, as its workers are told; JSON. */
export interface PoolQueue {
  readonly address: QueueAddress;
  /** Which run of which pool this is: 8 bytes in hexadecimal. */
  readonly run: string;
}

/** Prefix of the files of tasks' values; those of results begin with `worker`. */
export const VALUES = 'pool';

/** A pool is the only client of its queue. */
const ASKER = 0;

/** Whether a transport needs the option `queue`. */
export function needsQueue(transport: TaskTransportName): boolean {
  return transport === 'posix-queue' || transport === 'system-v-queue';
}

/** Throws `ERR_MILLRACE_TASK_OPTION`. */
export function checkAddress(address: QueueAddress | undefined): QueueAddress {
  if (address === undefined)
    throw optionError("The queue transports need the option 'queue': a name or a key.");
  if (address.name === undefined && address.key === undefined)
    throw optionError("The option 'queue' needs a name (POSIX) or a key (System V).");
  return address;
}

/** The directory of large values, by the queue that their names are in. */
export function queueDirectory({ address }: PoolQueue): string {
  return queueTitle(address);
}

/** The pool's side. */
export interface OwnedQueue {
  readonly link: SharedLink;
  close(): void;
}

/** Opens the queue for the pool, which owns it until `close`. Throws `ERR_MILLRACE_TASK_QUEUE` when another pool does. */
export function openOwnedQueue({ address, run }: PoolQueue, files: LargeValueFiles): OwnedQueue {
  const lock = ownQueue(address);
  let queue: TaskQueue | undefined;
  try {
    const opened = new TaskQueue(address, { files, run, askers: 1 });
    queue = opened;
    // Results of dead pools are not wanted; nor are values, once no message can name them.
    files.removeOf('worker');
    if (queue.stat().messages === 0) files.removeOf(VALUES);
    return {
      link: queue.link(ASKER),
      close() {
        opened.close();
        syscalls.close(lock);
      },
    };
  } catch (error) {
    queue?.close();
    syscalls.close(lock);
    throw error;
  }
}

/** Opens the queue for a worker to take tasks from. */
export function openWorkerQueue({ address, run }: PoolQueue, files: LargeValueFiles): TaskQueue {
  const onGarbage = ({ message }: Error) => process.emitWarning(message);
  return new TaskQueue(address, { files, run, askers: 1, onGarbage });
}

function optionError(message: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}
