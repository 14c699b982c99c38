import type { Poller, PollRegistration } from '@millrace/channel';
import { NodePoller, SystemCallError } from '@millrace/native';
import {
  check,
  E2BIG,
  EAGAIN,
  EBUSY,
  ECANCELED,
  EINPROGRESS,
  EINTR,
  type MessageWaiter,
  syscalls,
} from '@millrace/native/syscalls';

export interface WaiterEvents {
  /** There is a message for `selector`, or there was a moment ago. */
  readable(selector: number): void;
  /** The message of `send` has gone out. */
  sent(): void;
  /** A thread has taken a message of `type` that has no bytes. */
  tookEmpty(type: number): void;
  failed(syscall: string, errno: number): void;
}

/** Threads that are kept for a selector that is not watched at the moment; further ones are ended. */
const MAX_PARKED = 2;

/**
 * The threads that wait on one System V queue: one for each selector that is watched, one for the message that waits
 * for room. They sleep in the kernel and signal one eventfd, which the loop watches during a wait.
 *
 * Notes. A thread asks for a message of at most 0 bytes, so the kernel wakes it by E2BIG and the message stays in the
 * queue, for the first reader that takes it. A message without bytes does not fail so: the thread takes it, and
 * hands it over. A thread is parked when what it waited for has come, and cancelled when no wait needs it any more.
 */
export class SystemVWaiters {
  readonly #id: number;
  readonly #events: WaiterEvents;
  readonly #poller: Poller;
  readonly #readers = new Map<number, MessageWaiter>();
  readonly #watched = new Set<number>();
  readonly #type = new BigInt64Array(1);
  readonly #typeBytes = new Uint8Array(this.#type.buffer);
  #writer: MessageWaiter | undefined;
  /** The message that waits for room, type first, for the case that the call is interrupted. */
  #message: Buffer | undefined;
  #bell = -1;
  #registration: PollRegistration | undefined;
  #listening = false;
  #ref = true;

  constructor(id: number, events: WaiterEvents, poller: Poller = new NodePoller()) {
    this.#id = id;
    this.#events = events;
    this.#poller = poller;
  }

  watch(selector: number): void {
    this.#order(selector);
    this.#watched.add(selector);
    this.#listen();
  }

  unwatch(selector: number): void {
    if (!this.#watched.delete(selector)) return;
    const reader = this.#readers.get(selector);
    if (reader === undefined) return this.#listen();
    const result = syscalls.msgWaiterResult(reader, this.#typeBytes);
    if (result === 0) this.#events.tookEmpty(Number(this.#type[0]));
    if (result === -EINPROGRESS || this.#readers.size > MAX_PARKED) this.#end(selector, reader);
    this.#listen();
  }

  /** Sends a message, type first, as soon as there is room. */
  send(bytes: Buffer, length: number): void {
    this.#message = Buffer.from(bytes.subarray(0, 8 + length));
    this.#orderSend(this.#message);
    this.#listen();
  }

  withdraw(): boolean {
    if (this.#message === undefined || this.#writer === undefined) return true;
    const result = syscalls.msgWaiterClose(this.#writer, this.#typeBytes);
    this.#writer = this.#message = undefined;
    this.#listen();
    return result !== 0;
  }

  setRef(on: boolean): void {
    this.#ref = on;
    if (on) this.#registration?.ref();
    else this.#registration?.unref();
  }

  close(): void {
    this.withdraw();
    if (this.#writer !== undefined) syscalls.msgWaiterClose(this.#writer, this.#typeBytes);
    for (const [selector, reader] of this.#readers) this.#end(selector, reader);
    this.#writer = undefined;
    this.#watched.clear();
    this.#registration?.close();
    if (this.#bell >= 0) syscalls.close(this.#bell);
    this.#registration = undefined;
    this.#bell = -1;
    this.#listening = false;
  }

  /** Parked threads cost no wake-up; the loop is kept alive only during a wait. */
  #listen(): void {
    const wanted = this.#watched.size > 0 || this.#message !== undefined;
    if (wanted === this.#listening) return;
    this.#listening = wanted;
    this.#registration?.update({ read: wanted, write: false });
  }

  #open(): MessageWaiter {
    if (this.#bell < 0) {
      this.#bell = check(syscalls.eventfd(), 'eventfd');
      this.#registration = this.#poller.add(this.#bell, () => this.#rung());
      if (!this.#ref) this.#registration.unref();
    }
    const waiter = syscalls.msgWaiterOpen(this.#id, this.#bell);
    if (typeof waiter !== 'number') return waiter;
    throw new SystemCallError(
      'pthread_create',
      -waiter,
      undefined,
      'Waiting on a System V queue takes a thread: see ulimit -u and the pids.max of the control group',
    );
  }

  #order(selector: number): void {
    let reader = this.#readers.get(selector);
    if (reader === undefined) {
      reader = this.#open();
      this.#readers.set(selector, reader);
    }
    const failed = syscalls.msgWaiterReceive(reader, selector);
    if (failed < 0 && failed !== -EBUSY) throw new SystemCallError('sem_post', -failed);
  }

  #orderSend(message: Buffer): void {
    this.#writer ??= this.#open();
    check(syscalls.msgWaiterSend(this.#writer, message, message.length - 8), 'sem_post');
  }

  #end(selector: number, reader: MessageWaiter): void {
    this.#readers.delete(selector);
    const result = syscalls.msgWaiterClose(reader, this.#typeBytes);
    if (result === 0) this.#events.tookEmpty(Number(this.#type[0]));
  }

  #rung(): void {
    syscalls.eventfdDrain(this.#bell);
    if (this.#writer !== undefined && this.#message !== undefined) this.#written(this.#writer, this.#message);
    for (const [selector, reader] of [...this.#readers]) {
      // What was reported for one may have closed the others.
      if (this.#readers.get(selector) === reader) this.#woken(selector, reader);
    }
  }

  #written(writer: MessageWaiter, message: Buffer): void {
    const result = syscalls.msgWaiterResult(writer, this.#typeBytes);
    if (result === -EINPROGRESS) return;
    if (result === -EINTR) return this.#orderSend(message);
    this.#message = undefined;
    if (result < 0) this.#events.failed('msgsnd', -result);
    else this.#events.sent();
    this.#listen();
  }

  #woken(selector: number, reader: MessageWaiter): void {
    const result = syscalls.msgWaiterResult(reader, this.#typeBytes);
    if (result === -EINPROGRESS || result === -EAGAIN) return;
    if (result === 0) this.#events.tookEmpty(Number(this.#type[0]));
    if (result < 0 && result !== -E2BIG && result !== -EINTR && result !== -ECANCELED) {
      this.#events.failed('msgrcv', -result);
      return;
    }
    try {
      if (this.#watched.has(selector)) this.#events.readable(selector);
    } finally {
      if (this.#watched.has(selector)) this.#order(selector);
    }
  }
}
