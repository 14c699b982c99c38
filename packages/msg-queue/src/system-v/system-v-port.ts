import type { Poller } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EIDRM,
  EINTR,
  EINVAL,
  ENOMSG,
  IPC_NOWAIT,
  syscalls,
} from '@millrace/native/syscalls';
import { deniedError, QueueError, removedError } from '../errors.js';
import { readSystemVLimits } from '../queue/limits.js';
import type { PortEvents, QueuePort } from '../queue/port.js';
import { SystemVWaiters } from './system-v-waiters.js';

/** Bytes of the `long` type that a System V message begins with. */
export const TYPE_BYTES = 8;

/** A System V queue: no descriptor, so threads wait (see `system-v-waiters.ts`). */
export class SystemVPort implements QueuePort {
  readonly title: string;
  readonly messageSize: number;
  readonly id: number;
  readonly outgoing: Buffer;
  readonly outgoingStart = TYPE_BYTES;
  readonly incomingStart = TYPE_BYTES;
  tag = 0;
  readonly #waiters: SystemVWaiters;
  /** Types of empty messages that a waiting thread has taken and no reader has received. */
  readonly #taken: number[] = [];
  #incoming: Buffer;
  /** The type that `outgoing` begins with; 0: none yet. */
  #outgoingType = 0;
  #events: PortEvents | undefined;
  #closed = false;

  constructor(id: number, title: string, messageSize: number, poller?: Poller) {
    this.id = id;
    this.title = title;
    this.messageSize = messageSize;
    this.outgoing = Buffer.allocUnsafeSlow(TYPE_BYTES + messageSize);
    this.#incoming = Buffer.allocUnsafeSlow(TYPE_BYTES + messageSize);
    this.#waiters = new SystemVWaiters(
      id,
      {
        readable: (selector) => this.#events?.readable(selector),
        sent: () => this.#events?.sent(),
        tookEmpty: (type) => this.#taken.push(type),
        failed: (syscall, errno) => this.#failed(syscall, errno),
      },
      poller,
    );
  }

  get incoming(): Buffer {
    return this.#incoming;
  }

  start(events: PortEvents): void {
    this.#events = events;
  }

  trySend(length: number, tag: number): boolean {
    this.#setType(tag);
    for (;;) {
      const failed = syscalls.msgSend(this.id, this.outgoing, length, IPC_NOWAIT);
      if (failed >= 0) return true;
      if (failed === -EAGAIN) return false;
      if (failed !== -EINTR) throw this.#failure('msgsnd', -failed);
    }
  }

  sendWhenRoom(length: number, tag: number): void {
    this.#setType(tag);
    this.#waiters.send(this.outgoing, length);
  }

  withdraw(): boolean {
    return this.#waiters.withdraw();
  }

  tryReceive(selector: number): number {
    if (this.#taken.length > 0) {
      const empty = this.#taken.findIndex((type) => selects(selector, type));
      if (empty >= 0) {
        this.tag = this.#taken.splice(empty, 1)[0] as number;
        return 0;
      }
    }
    for (;;) {
      const room = this.#incoming.length - TYPE_BYTES;
      const length = syscalls.msgReceive(this.id, this.#incoming, room, selector, IPC_NOWAIT);
      if (length >= 0) {
        this.tag = this.#incoming.readUInt32LE(0) + this.#incoming.readInt32LE(4) * 2 ** 32;
        return length;
      }
      if (length === -ENOMSG) return -1;
      if (length === -E2BIG) this.#grow(room);
      else if (length !== -EINTR) throw this.#failure('msgrcv', -length);
    }
  }

  watch(selector: number, on: boolean): void {
    if (this.#closed) return;
    if (on) this.#waiters.watch(selector);
    else this.#waiters.unwatch(selector);
  }

  count(): number {
    const state = new BigInt64Array(9);
    const failed = syscalls.msgStat(this.id, new Uint8Array(state.buffer));
    if (failed < 0) throw this.#failure('msgctl', -failed);
    return Number(state[0]);
  }

  setRef(on: boolean): void {
    this.#waiters.setRef(on);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiters.close();
  }

  /** Most messages have the type of their predecessor. No BigInt: it would be made anew for each message. */
  #setType(type: number): void {
    if (type === this.#outgoingType) return;
    this.#outgoingType = type;
    this.outgoing.writeUInt32LE(type % 2 ** 32, 0);
    this.outgoing.writeInt32LE(Math.floor(type / 2 ** 32), 4);
  }

  /** A message is larger than the limit was when the queue was opened: it has been raised since. */
  #grow(room: number): void {
    const limit = readSystemVLimits().messageSize.value ?? 0;
    this.#incoming = Buffer.allocUnsafeSlow(TYPE_BYTES + Math.max(2 * room, limit));
  }

  /** The kernel says EIDRM to who waits, and EINVAL to who comes later. */
  #failure(syscall: string, errno: number): Error {
    if (errno === EIDRM || errno === EINVAL) return removedError(this.title, syscall, errno);
    if (errno === EACCES) return deniedError(this.title, syscall, errno);
    return new SystemCallError(syscall, errno, this.title);
  }

  #failed(syscall: string, errno: number): void {
    const error = this.#failure(syscall, errno);
    this.#events?.failed(
      error instanceof QueueError
        ? error
        : new QueueError('ERR_MILLRACE_QUEUE_ACCESS', `Waiting on the queue failed: ${error.message}`, {
            cause: error,
            syscall,
            errno,
          }),
    );
  }
}

/** As msgrcv selects: 0 any type, a positive number this one, a negative one any up to its absolute value. */
function selects(selector: number, type: number): boolean {
  return selector === 0 || (selector > 0 ? type === selector : type <= -selector);
}
