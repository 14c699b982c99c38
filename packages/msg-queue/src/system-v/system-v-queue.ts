import {
  type Bytes,
  bytesOrText,
  checkOptions,
  checkWait,
  optionNames,
  WAIT_OPTION_NAMES,
  type WaitOptions,
} from '@millrace/channel';
import { Slabs } from '@millrace/channel/internal';
import { SystemCallError } from '@millrace/native';
import type { SystemVKey } from '@millrace/native/internal';
import { EACCES, EIDRM, EINVAL, ENOENT, IPC_PRIVATE, syscalls } from '@millrace/native/syscalls';
import { deniedError, QueueError, removedError } from '../errors.js';
import { explain, readSystemVLimits, type SystemVLimits } from '../queue/limits.js';
import { MessageQueue, type QueueOpenOptions } from '../queue/message-queue.js';
import { listSystemVQueues, type SystemVQueueEntry } from '../queue/queue-list.js';
import { checkOwners, keyName, openSystemV, type SystemVQueueOptions, toKey } from './system-v-open.js';
import { SystemVPort } from './system-v-port.js';

export interface SystemVMessage {
  readonly data: Buffer;
  /** Exact up to 2^53 - 1. */
  readonly type: number;
}

export interface SystemVSendOptions extends WaitOptions {
  /** 1 to 2^53 - 1. Default 1. */
  readonly type?: number;
}

export interface SystemVReceiveOptions extends WaitOptions {
  /** 0: the oldest message; n: the oldest of this type; -n: the oldest of the lowest type up to n. Default 0. */
  readonly type?: number;
}

const SEND_OPTIONS = optionNames<SystemVSendOptions>({ ...WAIT_OPTION_NAMES, type: true });
const RECEIVE_OPTIONS = optionNames<SystemVReceiveOptions>({ ...WAIT_OPTION_NAMES, type: true });

export interface SystemVQueueState {
  /** Messages that are there, and the sum of their bytes. */
  readonly messages: number;
  readonly bytes: number;
  /** Bytes that the queue holds. */
  readonly capacity: number;
  /** Process ids; 0: no process yet. */
  readonly lastSender: number;
  readonly lastReceiver: number;
  readonly mode: number;
  readonly lastSentAt: Date | undefined;
  readonly lastReceivedAt: Date | undefined;
}

/** What a message may have when the limit cannot be read: Linux's default. */
const DEFAULT_MESSAGE_SIZE = 8_192;
const STATE_FIELDS = 9;
const CAPACITY_FIELD = 2;

/**
 * A System V message queue: messages with a type, received in order or by type; visible in `ipcs -q`.
 *
 * Notes. The queue lives until it is freed, or the machine is started again. It has no descriptor: during a
 * wait, one thread per awaited type sleeps in the kernel, and one more when a message waits for room. A message wakes
 * all waiting threads, in every process, and one gets it. See `MessageQueue` for waiting.
 */
export class SystemVQueue extends MessageQueue<SystemVMessage> {
  /** The key, or 0 for a private queue. */
  readonly key: number;
  /** The identifier, as `ipcs -q` shows it. */
  readonly id: number;
  /** The system's limits as they were when the queue was opened. */
  readonly limits: SystemVLimits;
  declare protected readonly port: SystemVPort;
  readonly #slabs = new Slabs();
  /** As last seen; 0: not yet. Another process may change it, so it is read again before a wait. */
  #capacity = 0;

  private constructor(id: number, key: number, limits: SystemVLimits, options: QueueOpenOptions) {
    const title = `The System V queue ${key === IPC_PRIVATE ? `with id ${id}` : keyName(key)}`;
    super(new SystemVPort(id, title, limits.messageSize.value ?? DEFAULT_MESSAGE_SIZE, options.poller));
    this.id = id;
    this.key = key;
    this.limits = limits;
  }

  /** Opens a queue that exists. Throws {@link QueueError}. */
  static open(key: SystemVKey, options: QueueOpenOptions = {}): SystemVQueue {
    return SystemVQueue.#make(toKey(key), 'open', options);
  }

  /** Makes a queue that does not exist. */
  static create(key: SystemVKey, options: SystemVQueueOptions = {}): SystemVQueue {
    return SystemVQueue.#make(toKey(key), 'create', options);
  }

  /** Opens a queue, or makes it. One that exists keeps its own capacity. */
  static openOrCreate(key: SystemVKey, options: SystemVQueueOptions = {}): SystemVQueue {
    return SystemVQueue.#make(toKey(key), 'openOrCreate', options);
  }

  /** Makes a queue without a key; others open it by its `id`. */
  static createPrivate(options: SystemVQueueOptions = {}): SystemVQueue {
    return SystemVQueue.#make(IPC_PRIVATE, 'create', options);
  }

  /** Opens a queue by its identifier. */
  static attach(id: number, options: QueueOpenOptions = {}): SystemVQueue {
    const title = `The System V queue with id ${id}`;
    const state = stat(id, title);
    checkOwners(id, title, options.trustedUsers);
    return new SystemVQueue(id, Number(state[6]), readSystemVLimits(), options);
  }

  /** All queues of this IPC namespace, also those that programs have left behind; undefined without /proc. */
  static list(): SystemVQueueEntry[] | undefined {
    return listSystemVQueues();
  }

  /** Removes a queue; false when there was none. */
  static free(key: SystemVKey): boolean {
    const id = syscalls.msgGet(toKey(key), 0);
    if (id === -ENOENT) return false;
    if (id < 0) throw new SystemCallError('msgget', -id, keyName(toKey(key)));
    return remove(id, keyName(toKey(key)));
  }

  static #make(
    key: number,
    opening: 'open' | 'create' | 'openOrCreate',
    options: SystemVQueueOptions,
  ): SystemVQueue {
    const limits = readSystemVLimits();
    return new SystemVQueue(openSystemV(key, opening, options, limits), key, limits, options);
  }

  /** Bytes of the largest message: no more than the queue holds. */
  get messageSize(): number {
    return Math.min(this.port.messageSize, this.stat().capacity);
  }

  /** Sends now, or says that there is no room, or that others wait for it. Throws {@link QueueError}. */
  trySend(data: Bytes | string, type = 1): 'sent' | 'full' {
    const bytes = bytesOrText(data);
    const outcome = this.trySendTagged(bytes, type);
    if (outcome === 'full' && bytes.length > this.#capacity) this.#checkCapacity(bytes.length);
    return outcome;
  }

  /** Sends, and waits for room if need be. A message that waits is a copy. */
  async send(data: Bytes | string, options: SystemVSendOptions = {}): Promise<void> {
    checkOptions(options, SEND_OPTIONS, 'send()');
    const { type = 1, ...wait } = options;
    checkWait(wait);
    const bytes = bytesOrText(data);
    if (this.trySendTagged(bytes, type) === 'sent') return;
    this.#checkCapacity(bytes.length);
    await this.sendTagged(bytes, type, wait);
  }

  tryReceive(type = 0): SystemVMessage | 'empty' {
    return this.tryReceiveSelected(type);
  }

  receive(options: SystemVReceiveOptions = {}): Promise<SystemVMessage> {
    return this.receiveSelected(options.type ?? 0, options, RECEIVE_OPTIONS);
  }

  stat(): SystemVQueueState {
    if (this.closed) this.assertOpen();
    const state = Array.from(stat(this.id, this.port.title), Number);
    const [messages, bytes, capacity, lastSender, lastReceiver, mode, , sent, received] = state as number[];
    return {
      messages,
      bytes,
      capacity,
      lastSender,
      lastReceiver,
      mode,
      lastSentAt: sent ? new Date(sent * 1_000) : undefined,
      lastReceivedAt: received ? new Date(received * 1_000) : undefined,
    } as SystemVQueueState;
  }

  /** Removes the queue and its messages for all processes; waits reject with `ERR_MILLRACE_QUEUE_REMOVED`. False: it was gone. */
  free(): boolean {
    return remove(this.id, this.port.title);
  }

  protected override take(length: number): SystemVMessage {
    const { incoming, incomingStart, tag } = this.port;
    return { data: this.#slabs.copy(incoming, incomingStart, incomingStart + length), type: tag };
  }

  protected override checkMessage(length: number, type: number): void {
    if (!(Number.isSafeInteger(type) && type > 0)) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_ARGUMENT',
        `The type of a message must be an integer from 1 to 2^53 - 1, not ${type}.`,
      );
    }
    if (length > this.port.messageSize) throw tooLarge(length, this.port.title, this.limits.messageSize);
  }

  /** A message that is larger than the whole queue would wait for ever. */
  #checkCapacity(length: number): void {
    const capacity = Number(stat(this.id, this.port.title)[CAPACITY_FIELD]);
    this.#capacity = capacity;
    if (length <= capacity) return;
    throw tooLarge(length, this.port.title, { ...this.limits.capacity, value: capacity });
  }
}

function tooLarge(length: number, queue: string, limit: SystemVLimits['capacity']): QueueError {
  return new QueueError(
    'ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE',
    `The message has ${length} bytes, ${queue} takes at most ${limit.value}. ${explain(limit)}.`,
    { limit },
  );
}

function stat(id: number, title: string): BigInt64Array {
  const state = new BigInt64Array(STATE_FIELDS);
  const failed = syscalls.msgStat(id, new Uint8Array(state.buffer));
  if (failed === -EINVAL || failed === -EIDRM) throw removedError(title, 'msgctl', -failed);
  if (failed === -EACCES) throw deniedError(title, 'msgctl', -failed);
  if (failed < 0) throw new SystemCallError('msgctl', -failed, title);
  return state;
}

function remove(id: number, title: string): boolean {
  const failed = syscalls.msgRemove(id);
  if (failed < 0 && failed !== -EINVAL && failed !== -EIDRM)
    throw new SystemCallError('msgctl', -failed, title);
  return failed === 0;
}
