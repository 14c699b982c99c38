import { type Bytes, checkOptions, optionNames, type WaitOptions } from '@millrace/channel';
import { type SystemVKey, SystemVQueue } from '@millrace/msg-queue';

export interface ProcessQueueOptions {
  /**
   * Which queue: a System V key, a file that makes one, or `'private'`, a queue that goes when the `ManagedProcess` is closed.
   * Default: the program's own file, so that all of its processes share the queue, and the next run finds what was left.
   */
  readonly key?: SystemVKey | 'private';
  /** Who takes a message: any process that pops (default), or the one that it was pushed for. */
  readonly mode?: 'balanced' | 'addressed';
  /** Bytes that a queue that is made holds. Default kernel.msgmnb (16,384); more needs CAP_SYS_RESOURCE. */
  readonly capacity?: number;
}

const QUEUE_OPTIONS = optionNames<ProcessQueueOptions>({ key: true, mode: true, capacity: true });

/** What a process is told of its queue. */
export interface QueueAssignment {
  readonly id: number;
  /** Its own type of messages. */
  readonly type: number;
  readonly mode: 'balanced' | 'addressed';
}

/**
 * A System V queue between a process and its parent, and other processes that know the key.
 *
 * Notes. It outlives the processes. What was pushed and not popped stays, until a process pops or frees it. A message
 * has at most kernel.msgmax (8,192) bytes and at least one.
 */
export class ProcessQueue {
  readonly #queue: SystemVQueue;
  readonly #assignment: QueueAssignment;

  private constructor(queue: SystemVQueue, assignment: Omit<QueueAssignment, 'id'>) {
    this.#queue = queue;
    this.#assignment = { id: queue.id, ...assignment };
  }

  /** Opens the queue, or makes it. Throws `QueueError`. */
  static open(type: number, asked: ProcessQueueOptions): ProcessQueue {
    checkOptions(asked, QUEUE_OPTIONS, 'useQueue()');
    const { key, mode = 'balanced', capacity } = asked;
    const options = capacity === undefined ? {} : { capacity };
    const queue =
      key === 'private'
        ? SystemVQueue.createPrivate(options)
        : SystemVQueue.openOrCreate(key ?? { path: process.argv[1] ?? process.execPath }, options);
    return new ProcessQueue(queue, { type, mode });
  }

  /** @internal The queue that the parent has opened. */
  static attach(assignment: QueueAssignment): ProcessQueue {
    return new ProcessQueue(SystemVQueue.attach(assignment.id), assignment);
  }

  /** @internal */
  get assignment(): QueueAssignment {
    return this.#assignment;
  }

  /** Sends a message, for this process where the queue is `addressed`; waits while the queue is full. */
  push(data: Bytes | string, options?: WaitOptions): Promise<void> {
    return this.#queue.send(data, {
      ...options,
      type: this.#assignment.type,
    });
  }

  /** Takes the oldest message, of those for this process where the queue is `addressed`; waits for one. */
  async pop(options?: WaitOptions): Promise<Buffer> {
    const type = this.#assignment.mode === 'addressed' ? this.#assignment.type : 0;
    return (await this.#queue.receive({ ...options, type })).data;
  }

  /** How many messages are there, and the sum of their bytes. */
  stat(): { readonly messages: number; readonly bytes: number } {
    const { messages, bytes } = this.#queue.stat();
    return { messages, bytes };
  }

  /** Removes the queue, for all processes; false when it was gone. */
  free(): boolean {
    return this.#queue.free();
  }

  /** Gives it up in this process; a private queue is removed by its maker before. */
  close(): void {
    this.#queue.close();
  }
}
