import { type Poller, type PollRegistration, READABLE, WRITABLE } from '@millrace/channel';
import { NodePoller, SystemCallError } from '@millrace/native';
import { EAGAIN, EBADF, EINTR, syscalls } from '@millrace/native/syscalls';
import { failedCall, QueueError } from '../errors.js';
import type { PortEvents, QueuePort } from '../queue/port.js';

/** A POSIX queue: its descriptor is watched like a socket's. */
export class PosixPort implements QueuePort {
  readonly title: string;
  readonly messageSize: number;
  readonly outgoingStart = 0;
  readonly incomingStart = 0;
  tag = 0;
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #priority = new Uint32Array(1);
  readonly #priorityBytes = new Uint8Array(this.#priority.buffer);
  readonly #attributes = new Int32Array(4);
  readonly #attributeBytes = new Uint8Array(this.#attributes.buffer);
  #outgoing: Buffer | undefined;
  #incoming: Buffer | undefined;
  #registration: PollRegistration | undefined;
  #events: PortEvents | undefined;
  /** The message that waits for room, and its priority. */
  #waiting: Buffer | undefined;
  #waitingTag = 0;
  #reading = false;
  #watched = 0;
  #ref = true;
  #closed = false;

  /** Takes `fd` over. */
  constructor(fd: number, name: string, messageSize: number, poller: Poller = new NodePoller()) {
    this.#fd = fd;
    this.title = `The POSIX queue ${name}`;
    this.messageSize = messageSize;
    this.#poller = poller;
  }

  get outgoing(): Buffer {
    this.#outgoing ??= Buffer.allocUnsafeSlow(this.messageSize);
    return this.#outgoing;
  }

  get incoming(): Buffer {
    this.#incoming ??= Buffer.allocUnsafeSlow(this.messageSize);
    return this.#incoming;
  }

  start(events: PortEvents): void {
    this.#events = events;
  }

  trySend(length: number, tag: number): boolean {
    return this.#send(this.outgoing, length, tag);
  }

  sendWhenRoom(length: number, tag: number): void {
    this.#waiting = Buffer.from(this.outgoing.subarray(0, length));
    this.#waitingTag = tag;
    this.#update();
  }

  withdraw(): boolean {
    this.#waiting = undefined;
    this.#update();
    return true;
  }

  tryReceive(): number {
    const memory = this.incoming;
    for (;;) {
      const length = syscalls.mqReceive(this.#fd, memory, 0, memory.length, this.#priorityBytes);
      if (length >= 0) {
        this.tag = this.#priority[0] as number;
        return length;
      }
      if (length === -EAGAIN) return -1;
      if (length !== -EINTR) throw this.#failure('mq_timedreceive', -length);
    }
  }

  watch(_selector: number, on: boolean): void {
    this.#reading = on;
    this.#update();
  }

  count(): number {
    return this.attributes()[3] as number;
  }

  /** Flags, most messages, largest message, messages there. */
  attributes(): Int32Array {
    const failed = syscalls.mqAttributes(this.#fd, this.#attributeBytes);
    if (failed < 0) throw this.#failure('mq_getsetattr', -failed);
    return this.#attributes;
  }

  /** What the kernel writes about a queue to who reads its descriptor as a file; /dev/mqueue shows the same. */
  readStatus(): string {
    const text = Buffer.alloc(128);
    const length = syscalls.readAt(this.#fd, text, 0, text.length, 0);
    if (length < 0) throw this.#failure('pread', -length);
    return text.toString('latin1', 0, length);
  }

  setRef(on: boolean): void {
    this.#ref = on;
    if (on) this.#registration?.ref();
    else this.#registration?.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#registration?.close();
    syscalls.close(this.#fd);
  }

  #send(bytes: Buffer, length: number, tag: number): boolean {
    for (;;) {
      const failed = syscalls.mqSend(this.#fd, bytes, 0, length, tag);
      if (failed >= 0) return true;
      if (failed === -EAGAIN) return false;
      if (failed !== -EINTR) throw this.#failure('mq_timedsend', -failed);
    }
  }

  #update(): void {
    if (this.#closed) return;
    const write = this.#waiting !== undefined;
    const wanted = (this.#reading ? READABLE : 0) | (write ? WRITABLE : 0);
    if (wanted === this.#watched) return;
    if (this.#registration === undefined) {
      this.#registration = this.#poller.add(this.#fd, (ready) => this.#ready(ready));
      if (!this.#ref) this.#registration.unref();
    }
    this.#watched = wanted;
    this.#registration.update({ read: this.#reading, write });
  }

  #ready(ready: number): void {
    if (ready & WRITABLE && this.#waiting !== undefined && !this.#closed) this.#resume(this.#waiting);
    if (ready & READABLE && this.#reading && !this.#closed) this.#events?.readable(0);
  }

  #resume(waiting: Buffer): void {
    try {
      if (!this.#send(waiting, waiting.length, this.#waitingTag)) return;
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      this.#events?.failed(error);
      return;
    }
    this.#waiting = undefined;
    this.#events?.sent();
    this.#update();
  }

  #failure(syscall: string, errno: number): Error {
    if (errno !== EBADF) return new SystemCallError(syscall, errno, this.title);
    return failedCall(
      'ERR_MILLRACE_QUEUE_ACCESS',
      `${this.title} was opened for the other direction only: see its option \`access\`.`,
      syscall,
      errno,
    );
  }
}
