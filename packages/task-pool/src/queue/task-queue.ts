import { Frame } from '@millrace/channel';
import { QueueError } from '@millrace/msg-queue';
import type { SharedLink } from '../client/worker-queue.js';
import { TaskError } from '../errors.js';
import type { LargeValueFiles } from '../wire/large-value-files.js';
import * as layout from '../wire/task-layout.js';
import { type TaskMessage, taskCodec } from '../wire/task-message.js';
import { openQueue, type Queue, type QueueAddress, queueTitle } from './queue-address.js';
import { askerOf, hasQueueHead, QUEUE_HEAD_BYTES, writeQueueHead } from './queue-layout.js';

export interface TaskQueueOptions {
  /** Holds values that are larger than a message; a file outside of this directory is never touched. */
  readonly files: LargeValueFiles;
  /** Identifies this run: 8 bytes in hexadecimal, the same in all processes that share claims. */
  readonly run: string;
  /** How many clients share them. */
  readonly askers: number;
  /** Called for each message that is no task; the message is skipped. */
  readonly onGarbage?: ((error: Error) => void) | undefined;
  /** Copies bytes that a handler may keep. Default: `Buffer.from`. */
  readonly copy?: ((memory: Buffer, start: number, end: number) => Buffer) | undefined;
}

/** A task from the queue, valid until the next. */
export interface QueuedTask {
  /** The client, by the index of its claims; -1: another program, or an earlier run. */
  readonly source: number;
  readonly message: TaskMessage;
}

/** Milliseconds between two checks that the queue still exists, while tasks of ours may be in it. */
const CHECK_MS = 1_000;
/** Milliseconds until a task that could not wait for room is sent again. */
const RETRY_MS = 100;
/** A queue must take the name of a file at least, behind its heads and the task's name. */
const MIN_MESSAGE_BYTES = 512;

/**
 * A system queue from which any free worker takes tasks: opened by the clients and by the task workers.
 *
 * Notes.
 * - The queue outlives its users. Tasks that are in it at a start are run, once, and their results are discarded; so are tasks
 *   that other programs post (task-layout.ts). A message that is no task goes to `onGarbage`, and is skipped.
 * - When the queue has no room, one task waits for it in this process; others are not taken until there is.
 * - A System V queue that was removed is created again, and the tasks of ours that were in it are sent again.
 */
export class TaskQueue implements Disposable {
  readonly title: string;
  readonly #address: QueueAddress;
  readonly #options: TaskQueueOptions;
  readonly #run: Buffer;
  readonly #frame = new Frame();
  readonly #memory: Buffer;
  readonly #sending;
  readonly #receiving;
  readonly #inlineBytes: number;
  #queue: Queue;
  #checkTimer: NodeJS.Timeout | undefined;
  #onRoom: () => void = () => {};
  #onLost: () => void = () => {};
  #closed = false;

  /** Opens or creates the queue. Throws `QueueError` of @millrace/msg-queue, which names the system limit. */
  constructor(address: QueueAddress, options: TaskQueueOptions) {
    this.title = queueTitle(address);
    this.#address = address;
    this.#options = options;
    this.#run = Buffer.from(options.run, 'hex');
    this.#queue = openQueue(address);
    const { messageSize } = this.#queue;
    if (messageSize < MIN_MESSAGE_BYTES) {
      this.#queue.close();
      const message = `The queue '${this.title}' takes messages of ${messageSize} bytes, tasks need ${MIN_MESSAGE_BYTES}: remove the queue, so that it is created again, or choose another.`;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', message);
    }
    this.#inlineBytes = Math.min(layout.INLINE_LIMIT - 1, messageSize);
    this.#memory = Buffer.allocUnsafe(this.#inlineBytes);
    const { files, copy } = options;
    this.#sending = taskCodec({ files, inlineBytes: this.#inlineBytes - QUEUE_HEAD_BYTES });
    this.#receiving = taskCodec({ files, copy });
  }

  /** Messages that wait in the queue, of every sender, and their bytes. */
  stat(): { readonly messages: number; readonly bytes: number } {
    return this.#queue.stat();
  }

  /** The link by which the tasks of a client reach any free worker. */
  link(asker: number): SharedLink {
    return {
      channel: {
        send: (message) => this.#send(asker, message),
        on() {},
        deliverNow() {},
      },
      onRoom: (listener) => {
        this.#onRoom = listener;
      },
      onLost: (listener) => {
        this.#onLost = listener;
      },
    };
  }

  /** The oldest task; undefined when there is none. */
  tryTake(): QueuedTask | undefined {
    return this.#again(() => {
      for (;;) {
        const bytes = this.#queue.tryReceive();
        if (bytes === undefined) return undefined;
        const task = this.#decode(bytes);
        if (task !== undefined) return task;
      }
    });
  }

  /** Waits for the oldest task. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<QueuedTask> {
    for (;;) {
      try {
        const task = this.#decode(await this.#queue.receive(signal));
        if (task !== undefined) return task;
      } catch (error) {
        if (!this.#isRemoved(error)) throw error;
        this.#reopen();
      }
    }
  }

  /** Closes the handle; the queue and its messages stay. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#checkTimer);
    this.#queue.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** False: the task waits for room. */
  #send(asker: number, message: TaskMessage): boolean {
    const bytes = this.#encode(asker, message);
    try {
      const sent = this.#again(() => this.#queue.trySend(bytes)) === 'sent';
      if (sent) this.#checkLater();
      else this.#wait(bytes);
      return sent;
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', `A task cannot be sent to its queue: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** The bytes are copied. */
  #wait(bytes: Buffer): void {
    const queue = this.#queue;
    queue.send(bytes).then(
      () => {
        this.#checkLater();
        this.#onRoom();
      },
      () => {
        // The queue has been removed, or no thread could be started for the wait: tasks that are not begun are sent again.
        if (!this.#closed) setTimeout(() => this.#lost(queue), RETRY_MS);
      },
    );
  }

  #encode(asker: number, message: TaskMessage): Buffer {
    this.#sending.encode(message, this.#frame);
    const length = QUEUE_HEAD_BYTES + this.#frame.length;
    if (length > this.#memory.length) {
      throw new TaskError(
        'ERR_MILLRACE_TASK_QUEUE',
        `The task's name and the name of its value's file need ${length} bytes; the queue '${this.title}' takes ${this.#memory.length}.`,
      );
    }
    writeQueueHead(this.#memory, asker, this.#run);
    this.#frame.copyTo(this.#memory, QUEUE_HEAD_BYTES);
    return this.#memory.subarray(0, length);
  }

  /** Undefined for a message that is no task; `onGarbage` has reported it. */
  #decode(bytes: Buffer): QueuedTask | undefined {
    try {
      const claimed = hasQueueHead(bytes);
      const source = claimed ? askerOf(bytes, this.#run) : -1;
      if (source >= this.#options.askers)
        throw new RangeError(`The message names client ${source}; there are ${this.#options.askers}.`);
      const message = this.#receiving.decode(bytes, claimed ? QUEUE_HEAD_BYTES : 0, bytes.length);
      if (message.kind !== layout.TASK)
        throw new RangeError(
          `A message in a queue must be a task (kind ${layout.TASK}), not of kind ${message.kind}.`,
        );
      // Where a client waits for the answer, it gets the error of the value's file.
      if (source < 0 && message.broken !== undefined) throw message.broken;
      return { source, message };
    } catch (error) {
      const message = `A message of ${bytes.length} bytes in the queue '${this.title}' is no task: ${(error as Error).message}`;
      this.#options.onGarbage?.(new TaskError('ERR_MILLRACE_TASK_QUEUE', message, { cause: error }));
      return undefined;
    }
  }

  /** Tries again on a new queue when the queue has been removed. */
  #again<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (!this.#isRemoved(error)) throw error;
      this.#reopen();
      return call();
    }
  }

  #isRemoved(error: unknown): boolean {
    return !this.#closed && error instanceof QueueError && error.code === 'ERR_MILLRACE_QUEUE_REMOVED';
  }

  #reopen(): void {
    const queue = openQueue(this.#address);
    const { messageSize } = queue;
    if (messageSize < this.#inlineBytes) {
      // Another program has created it, with messages that are too small for tasks.
      queue.close();
      const message = `The queue '${this.title}' was removed and created again for messages of ${messageSize} bytes; tasks need ${this.#inlineBytes}.`;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', message);
    }
    this.#queue.close();
    this.#queue = queue;
    setImmediate(() => this.#onLost());
  }

  #lost(queue: Queue): void {
    if (this.#closed) return;
    this.#onRoom();
    // When the queue has been opened again, `#reopen` has reported the loss.
    if (queue === this.#queue) this.#onLost();
  }

  /** The kernel does not notify a sender when the queue is removed. */
  #checkLater(): void {
    if (this.#checkTimer !== undefined || this.#closed) return;
    this.#checkTimer = setTimeout(() => {
      this.#checkTimer = undefined;
      try {
        // When the queue is empty, our tasks have been taken.
        if (this.#again(() => this.#queue.stat().messages) > 0) this.#checkLater();
      } catch {
        // The queue cannot be created again: sending the tasks again fails, and their callers get that error.
        this.#onLost();
      }
    }, CHECK_MS).unref();
  }
}
