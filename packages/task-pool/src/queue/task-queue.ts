import { Frame } from '@millrace/channel';
import { QueueError } from '@millrace/msg-queue';
import type { SharedLink } from '../client/worker-queue.js';
import { TaskError } from '../errors.js';
import type { SpillDirectory } from '../wire/large-value-files.js';
import * as layout from '../wire/task-layout.js';
import { type TaskMessage, taskCodec } from '../wire/task-message.js';
import { openQueue, type Queue, type QueueAddress, queueTitle } from './queue-address.js';
import { askerOf, hasQueueHead, QUEUE_HEAD_BYTES, writeQueueHead } from './queue-layout.js';

export interface TaskQueueOptions {
  /** Where values go that are larger than a message; a file that a message names is in there, or is not touched. */
  readonly spill: SpillDirectory;
  /** Which run this is: 8 bytes in hexadecimal, the same in all processes that share claims. */
  readonly run: string;
  /** How many share them. */
  readonly askers: number;
  /** Told of each message that is no task, which is skipped. */
  readonly onGarbage?: ((error: Error) => void) | undefined;
  /** Copies bytes that a handler may keep. Default: `Buffer.from`. */
  readonly copy?: ((memory: Buffer, start: number, end: number) => Buffer) | undefined;
}

/** A task from the queue, valid until the next. */
export interface QueuedTask {
  /** Who has asked, by the index of its claims; -1: another program, or an earlier run. */
  readonly source: number;
  readonly message: TaskMessage;
}

/** Milliseconds between two looks whether the queue is there still, while something of ours may be in it. */
const LOOK_MS = 1_000;
/** Milliseconds until a task is offered again that could not wait for room. */
const RETRY_MS = 100;
/** A queue must take the name of a file at least, behind its heads and the task's name. */
const MIN_MESSAGE_BYTES = 512;

/**
 * One queue of the system that carries tasks to whoever is free: opened by those who ask and by task workers.
 *
 * Notes.
 * - The queue outlives its users. What is in it at a start is run, once, and nobody hears of the result; so is what other
 *   programs post (task-layout.ts). What is no task is told to `onGarbage`, and skipped.
 * - When the queue has no room, one task waits for it in this process; others are not taken until there is.
 * - A System V queue that somebody removes is made anew, and what was ours in it is sent again.
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
  #look: NodeJS.Timeout | undefined;
  #onRoom: () => void = () => {};
  #onLost: () => void = () => {};
  #closed = false;

  /** Opens the queue, or makes it. Throws `QueueError` of @millrace/msg-queue, which names the limit in the way. */
  constructor(address: QueueAddress, options: TaskQueueOptions) {
    this.title = queueTitle(address);
    this.#address = address;
    this.#options = options;
    this.#run = Buffer.from(options.run, 'hex');
    this.#queue = openQueue(address);
    const { messageSize } = this.#queue;
    if (messageSize < MIN_MESSAGE_BYTES) {
      this.#queue.close();
      const message = `The queue '${this.title}' takes messages of ${messageSize} bytes, tasks need ${MIN_MESSAGE_BYTES}: remove it, so that it is made anew, or take another.`;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', message);
    }
    this.#inlineBytes = Math.min(layout.INLINE_LIMIT - 1, messageSize);
    this.#memory = Buffer.allocUnsafe(this.#inlineBytes);
    const { spill, copy } = options;
    this.#sending = taskCodec({ spill, inlineBytes: this.#inlineBytes - QUEUE_HEAD_BYTES });
    this.#receiving = taskCodec({ spill, copy });
  }

  /** Messages that wait in the queue, whoever has put them there, and their bytes. */
  stat(): { readonly messages: number; readonly bytes: number } {
    return this.#queue.stat();
  }

  /** The way on which the tasks of an asker travel to whoever is free. */
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

  /** The oldest task, when there is one. Rejects with the signal's reason. */
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

  /** Leaves the queue, with what is in it, as it is. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#look);
    this.#queue.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** False: it waits for room. */
  #send(asker: number, message: TaskMessage): boolean {
    const bytes = this.#encode(asker, message);
    try {
      const sent = this.#again(() => this.#queue.trySend(bytes)) === 'sent';
      if (sent) this.#lookLater();
      else this.#wait(bytes);
      return sent;
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', `The queue of tasks takes none: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** The bytes are copied. */
  #wait(bytes: Buffer): void {
    const queue = this.#queue;
    queue.send(bytes).then(
      () => {
        this.#lookLater();
        this.#onRoom();
      },
      () => {
        // The queue has been removed, or no thread can be had to wait with: what is not begun is sent once more.
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
        `The task's name and that of its value's file have ${length} bytes, the queue '${this.title}' takes ${this.#memory.length}.`,
      );
    }
    writeQueueHead(this.#memory, asker, this.#run);
    this.#frame.copyTo(this.#memory, QUEUE_HEAD_BYTES);
    return this.#memory.subarray(0, length);
  }

  /** Undefined for what is no task, which has been told then. */
  #decode(bytes: Buffer): QueuedTask | undefined {
    try {
      const claimed = hasQueueHead(bytes);
      const source = claimed ? askerOf(bytes, this.#run) : -1;
      if (source >= this.#options.askers)
        throw new RangeError(`There is no asker ${source}; there are ${this.#options.askers}.`);
      const message = this.#receiving.decode(bytes, claimed ? QUEUE_HEAD_BYTES : 0, bytes.length);
      if (message.kind !== layout.TASK)
        throw new RangeError(`A message in a queue is a task, ${layout.TASK}, not ${message.kind}.`);
      // Whoever waits for the answer is told what is wrong with the file of the value.
      if (source < 0 && message.broken !== undefined) throw message.broken;
      return { source, message };
    } catch (error) {
      const message = `A message of ${bytes.length} bytes in the queue '${this.title}' is no task: ${(error as Error).message}`;
      this.#options.onGarbage?.(new TaskError('ERR_MILLRACE_TASK_QUEUE', message, { cause: error }));
      return undefined;
    }
  }

  /** Once more, when the queue has been removed. */
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
      // Somebody has made it, and not for these tasks.
      queue.close();
      const message = `The queue '${this.title}' was removed, and made anew for messages of ${messageSize} bytes; tasks need ${this.#inlineBytes}.`;
      throw new TaskError('ERR_MILLRACE_TASK_QUEUE', message);
    }
    this.#queue.close();
    this.#queue = queue;
    setImmediate(() => this.#onLost());
  }

  #lost(queue: Queue): void {
    if (this.#closed) return;
    this.#onRoom();
    // Whoever has opened it again has told already.
    if (queue === this.#queue) this.#onLost();
  }

  /** A sender is not told of the queue's removal. */
  #lookLater(): void {
    if (this.#look !== undefined || this.#closed) return;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      try {
        // Whatever was ours has been taken when it is empty.
        if (this.#again(() => this.#queue.stat().messages) > 0) this.#lookLater();
      } catch {
        // It cannot be made anew: what is sent once more fails for that, and its callers are told.
        this.#onLost();
      }
    }, LOOK_MS).unref();
  }
}
