import { ChannelError, Frame } from '@millrace/channel';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import { TaskError } from '../errors.js';
import type { SpillDirectory } from '../spill.js';
import { INLINE_LIMIT } from '../task-layout.js';
import { type TaskMessage, taskCodec } from '../task-message.js';
import { pipeTransport } from './pipe.js';
import type { QueueAddress, TaskSource, TaskTransport } from './transport.js';

/** What POSIX and System V queues are here: a place for bytes that outlives the pool. */
interface Queue {
  trySend(bytes: Uint8Array): 'sent' | 'full';
  receive(signal: AbortSignal): Promise<Buffer>;
  readonly empty: boolean;
  close(): void;
}

function open({ name, key }: QueueAddress): Queue {
  if (name !== undefined) {
    const queue = PosixQueue.openOrCreate(name, { messageSize: INLINE_LIMIT });
    return {
      trySend: (bytes) => queue.trySend(bytes),
      receive: async (signal) => (await queue.receive({ signal })).data,
      get empty() {
        return queue.stat().messages === 0;
      },
      close: () => queue.close(),
    };
  }
  if (key === undefined)
    throw new TaskError(
      'ERR_MILLRACE_TASK_OPTION',
      "The option 'queue' needs a name (POSIX) or a key (System V).",
    );
  const queue = SystemVQueue.openOrCreate(key);
  return {
    trySend: (bytes) => queue.trySend(bytes),
    receive: async (signal) => (await queue.receive({ signal })).data,
    get empty() {
      return queue.stat().messages === 0;
    },
    close: () => queue.close(),
  };
}

/** Which queue it is, in the name of a directory. */
export function queueTitle({ name, key }: QueueAddress): string {
  return name === undefined ? `key-${key}` : `name-${name.slice(1)}`;
}

/**
 * One queue of the system for all workers: whoever is free takes the oldest task, also of another program. Answers, and
 * tasks for a chosen worker, travel in pipes.
 *
 * Notes. The queue stays when the pool ends; what is in it is run by the next pool that opens it, and nobody hears of
 * the result. One pool at a time.
 */
export const queueTransport: TaskTransport = {
  createPoolSide(workers, values, address) {
    const { spill } = values;
    const queue = open(addressOf(address));
    // Files of large values that no message names any more: their pool died between the two.
    if (queue.empty) for (const writer of ['pool', 'worker']) spill.removeOf(writer);
    try {
      const pipes = pipeTransport.createPoolSide(workers, values, undefined);
      const { encode } = encoder(spill);
      return {
        ...pipes,
        shared: {
          channel: {
            send(message) {
              if (queue.trySend(encode(message)) === 'sent') return true;
              throw new ChannelError('ERR_MILLRACE_CHANNEL_FULL', 'The queue of tasks is full.');
            },
            onMessage() {},
            deliverNow() {},
          },
        },
        close() {
          pipes.close();
          queue.close();
        },
      };
    } catch (error) {
      queue.close();
      throw error;
    }
  },

  openWorkerSide: (child, worker, values) => pipeTransport.openWorkerSide(child, worker, values),

  openSource(address, { spill }): TaskSource {
    const queue = open(addressOf(address));
    const codec = taskCodec({ spill });
    return {
      async take(signal) {
        for (;;) {
          const bytes = await queue.receive(signal);
          try {
            return codec.decode(bytes, 0, bytes.length);
          } catch (error) {
            process.emitWarning(
              `A message of ${bytes.length} bytes in the queue is no task: ${(error as Error).message}`,
            );
          }
        }
      },
    };
  },
};

function addressOf(address: QueueAddress | undefined): QueueAddress {
  if (address !== undefined) return address;
  throw new TaskError(
    'ERR_MILLRACE_TASK_OPTION',
    "A queue as transport needs the option 'queue': its name or key.",
  );
}

/** A message's bytes in one piece, valid until the next. */
function encoder(spill: SpillDirectory) {
  const codec = taskCodec({ spill });
  const frame = new Frame();
  const memory = Buffer.allocUnsafe(INLINE_LIMIT);
  return {
    encode(message: TaskMessage): Buffer {
      codec.encode(message, frame);
      frame.copyTo(memory, 0);
      return memory.subarray(0, frame.length);
    },
  };
}
