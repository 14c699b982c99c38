import { syscalls } from '@millrace/native';
import { TaskError } from '../errors.js';
import { ownQueue, queueTitle } from '../queue/queue-address.js';
import { TaskQueue } from '../queue/task-queue.js';
import { pipeTransport } from './pipe.js';
import type { QueueBirth, TaskTransport } from './transport.js';

/** What the names of files begin with that hold a task's value; those of results begin with `worker`. */
export const VALUES = 'pool';

/** The claims of a pool are one asker's. */
const ASKER = 0;

/**
 * One queue of the system for all workers: whoever is free takes the oldest task, also of another program. Answers, and
 * tasks for a chosen worker, travel in pipes.
 *
 * Notes. The queue stays when the pool ends; what is in it is run by the next pool that opens it, and nobody hears of
 * the result. One pool at a time.
 */
export const queueTransport: TaskTransport = {
  createPoolSide(workers, values, birth, onCorrupt) {
    const { address, run } = addressed(birth);
    const { spill } = values;
    const owner = ownQueue(address);
    let queue: TaskQueue | undefined;
    try {
      const opened = new TaskQueue(address, { spill, run, askers: 1 });
      queue = opened;
      // Results of dead pools are nobody's; values that no message names any more, neither.
      spill.removeOf('worker');
      if (queue.stat().messages === 0) spill.removeOf(VALUES);
      const pipes = pipeTransport.createPoolSide(workers, values, undefined, onCorrupt);
      return {
        ...pipes,
        shared: queue.link(ASKER),
        close() {
          pipes.close();
          opened.close();
          syscalls.close(owner);
        },
      };
    } catch (error) {
      queue?.close();
      syscalls.close(owner);
      throw error;
    }
  },

  openWorkerSide: (...parts) => pipeTransport.openWorkerSide(...parts),

  openQueue(birth, { spill }) {
    const { address, run } = addressed(birth);
    const onGarbage = ({ message }: Error) => process.emitWarning(message);
    return new TaskQueue(address, { spill, run, askers: 1, onGarbage });
  },
};

/** The directory of large values, by the queue that their names are in. */
export function queueDirectory({ address }: QueueBirth): string {
  return queueTitle(address);
}

function addressed(birth: QueueBirth | undefined): QueueBirth {
  if (birth === undefined)
    throw optionError("A queue as transport needs the option 'queue': its name or key.");
  const { name, key } = birth.address;
  if (name === undefined && key === undefined)
    throw optionError("The option 'queue' needs a name (POSIX) or a key (System V).");
  return birth;
}

function optionError(message: string): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}
