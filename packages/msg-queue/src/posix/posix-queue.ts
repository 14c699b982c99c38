import {
  type Bytes,
  bytesOrText,
  checkOptions,
  optionNames,
  WAIT_OPTION_NAMES,
  type WaitOptions,
} from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { ENOENT, syscalls } from '@millrace/native/syscalls';
import { QueueError } from '../errors.js';
import { explain, type PosixLimits, readPosixLimits } from '../queue/limits.js';
import { MessageQueue } from '../queue/message-queue.js';
import { listPosixQueues } from '../queue/queue-list.js';
import { kernelName, type Opening, openPosix, type PosixQueueOptions } from './posix-open.js';
import { PosixPort } from './posix-port.js';

export interface PosixMessage {
  readonly data: Buffer;
  readonly priority: number;
}

export interface PosixSendOptions extends WaitOptions {
  /** 0 to 32,767; higher ones are received first. Default 0. */
  readonly priority?: number;
}

const RECEIVE_OPTIONS = optionNames<WaitOptions>(WAIT_OPTION_NAMES);
const SEND_OPTIONS = optionNames<PosixSendOptions>({ ...WAIT_OPTION_NAMES, priority: true });

export interface PosixQueueState {
  /** Messages that are there, and the sum of their bytes. */
  readonly messages: number;
  readonly bytes: number;
  readonly maxMessages: number;
  readonly messageSize: number;
}

/** One more than the highest priority. */
const PRIORITIES = 32_768;

/**
 * A POSIX message queue: messages by priority, then in order; epoll says when there are any.
 *
 * Notes. The queue lives until it is unlinked, or the machine is started again; an unlinked one lives on for those
 * who have it open. Its number and size of messages are fixed when it is made. See `MessageQueue` for waiting.
 */
export class PosixQueue extends MessageQueue<PosixMessage> {
  readonly name: string;
  /** Messages that the queue holds. */
  readonly maxMessages: number;
  /** Bytes of its largest message. */
  readonly messageSize: number;
  /** The system's limits as they were when the queue was opened. */
  readonly limits: PosixLimits;
  declare protected readonly port: PosixPort;

  private constructor(name: string, opening: Opening, options: PosixQueueOptions) {
    const limits = readPosixLimits();
    const fd = openPosix(name, opening, options, limits);
    const attributes = new Int32Array(4);
    syscalls.mqAttributes(fd, new Uint8Array(attributes.buffer));
    const [, maxMessages, messageSize] = attributes as unknown as [number, number, number];
    super(new PosixPort(fd, name, messageSize, options.poller));
    this.name = name;
    this.maxMessages = maxMessages;
    this.messageSize = messageSize;
    this.limits = limits;
  }

  /** Opens a queue that exists. Throws {@link QueueError}. */
  static open(
    name: string,
    options: Omit<PosixQueueOptions, 'maxMessages' | 'messageSize'> = {},
  ): PosixQueue {
    return new PosixQueue(name, 'open', options);
  }

  /** Makes a queue that does not exist. */
  static create(name: string, options: PosixQueueOptions = {}): PosixQueue {
    return new PosixQueue(name, 'create', options);
  }

  /** Opens a queue, or makes it. One that exists keeps its own number and size of messages. */
  static openOrCreate(name: string, options: PosixQueueOptions = {}): PosixQueue {
    return new PosixQueue(name, 'openOrCreate', options);
  }

  /** Removes the name; false when there was none. */
  static unlink(name: string): boolean {
    const failed = syscalls.mqUnlink(kernelName(name));
    if (failed < 0 && failed !== -ENOENT) throw new SystemCallError('mq_unlink', -failed, name);
    return failed === 0;
  }

  /**
   * The names of all queues of this IPC namespace, also of those that programs have left behind. Undefined where that cannot be
   * known: no mqueue file system is mounted (`mount -t mqueue none /dev/mqueue`), and this is not root, who mounts one for
   * itself for a moment. With `directory`: those that the one mounted there shows.
   */
  static list(directory?: string): string[] | undefined {
    return listPosixQueues(directory);
  }

  /** Sends now, or says that there is no room, or that others wait for it. Throws {@link QueueError}. */
  trySend(data: Bytes | string, priority = 0): 'sent' | 'full' {
    return this.trySendTagged(bytesOrText(data), priority);
  }

  /** Sends, and waits for room if need be. A message that waits is a copy. */
  async send(data: Bytes | string, options: PosixSendOptions = {}): Promise<void> {
    checkOptions(options, SEND_OPTIONS, 'send()');
    const { priority = 0, ...wait } = options;
    return this.sendTagged(bytesOrText(data), priority, wait);
  }

  /** Receives the oldest message of the highest priority, or says that there is none. */
  tryReceive(): PosixMessage | 'empty' {
    return this.tryReceiveSelected(0);
  }

  receive(options: WaitOptions = {}): Promise<PosixMessage> {
    return this.receiveSelected(0, options, RECEIVE_OPTIONS);
  }

  stat(): PosixQueueState {
    if (this.closed) this.assertOpen();
    const [, maxMessages, messageSize, messages] = this.port.attributes() as unknown as number[];
    const bytes = Number(this.port.readStatus().match(/QSIZE:(\d+)/)?.[1]);
    return { messages, bytes, maxMessages, messageSize } as PosixQueueState;
  }

  /** Removes the queue's name; false when it had none any more. */
  unlink(): boolean {
    return PosixQueue.unlink(this.name);
  }

  protected override take(length: number): PosixMessage {
    return { data: Buffer.from(this.port.incoming.subarray(0, length)), priority: this.port.tag };
  }

  protected override checkMessage(length: number, priority: number): void {
    if (!(Number.isInteger(priority) && priority >= 0 && priority < PRIORITIES)) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_ARGUMENT',
        `A priority must be an integer from 0 to ${PRIORITIES - 1}, not ${priority}.`,
      );
    }
    if (length <= this.messageSize) return;
    const limit = this.limits.messageSize;
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE',
      `The message has ${length} bytes, the POSIX queue ${this.name} was made for at most ${this.messageSize}. ` +
        `Remove the queue and create it again for larger ones. ${explain(limit)}.`,
      { limit },
    );
  }
}
