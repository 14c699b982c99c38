import { syscalls } from '@millrace/native';
import { TaskError } from '../errors.js';
import { ownQueue, queueTitle } from '../queue/queue-address.js';
import { TaskQueue } from '../queue/task-queue.js';
import { pipeTransport } from './pipe.js';
import type { PoolQueue, TaskTransport } from './transport.js';

/** Prefix of the files of tasks' values; those of results begin with `worker`. */
export const VALUES = 'pool';

/** A pool is the only client of its queue. */
const ASKER = 0;

/**
 * One system queue for all workers: a free worker takes the oldest task, also of another program. Answers, and tasks for a chosen
 * worker, use pipes.
 *
 * Notes. The queue stays when the pool ends; tasks in it are run by the next pool that opens it, and their
 * results are discarded. One pool at a time.
 */
export const queueTransport: TaskTransport = {
  createPoolSide(workers, values, setup, onCorrupt) {
    const { address, run } = addressed(setup);
    const { files } = values;
    const lock = ownQueue(address);
    let queue: TaskQueue | undefined;
    try {
      const opened = new TaskQueue(address, { files, run, askers: 1 });
      queue = opened;
      // Results of dead pools are not wanted; nor are values, once no message can name them.
      files.removeOf('worker');
      if (queue.stat().messages === 0) files.removeOf(VALUES);
      const pipes = pipeTransport.createPoolSide(workers, values, undefined, onCorrupt);
      return {
        ...pipes,
        shared: queue.link(ASKER),
        close() {
          pipes.close();
          opened.close();
          syscalls.close(lock);
        },
      };
    } catch (error) {
      queue?.close();
      syscalls.close(lock);
      throw error;
    }
  },

  openWorkerSide: (...parts) => pipeTransport.openWorkerSide(...parts),

  openQueue(setup, { files }) {
    const { address, run } = addressed(setup);
    const onGarbage = ({ message }: Error) => process.emitWarning(message);
    return new TaskQueue(address, { files, run, askers: 1, onGarbage });
  },
};

/** The directory of large values, by the queue that their names are in. */
export function queueDirectory({ address }: PoolQueue): string {
  return queueTitle(address);
}

function addressed(setup: PoolQueue | undefined): PoolQueue {
  if (setup === undefined)
    throw optionError("The queue transports need the option 'queue': a name or a key.");
  const { name, key } = setup.address;
  if (name === undefined && key === undefined)
    throw optionError("The option 'queue' needs a name (POSIX) or a key (System V).");
  return setup;
}

function optionError(message: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}
