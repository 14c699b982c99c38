import { NodePoller, type PollRegistration, SystemCallError } from '@millrace/native';
import { check, EAGAIN, EINTR, syscalls } from '@millrace/native/syscalls';
import { DATAGRAM_BYTES, LENGTH_BYTES } from './request-layout.js';

/** A member's end of the requests' queue, which all members share: it takes one only while it has time for it. */
export class RequestTaker {
  readonly #fd: number;
  readonly #registration: PollRegistration;
  readonly #onRequest: (fd: number, body: Buffer) => void;
  readonly #datagram = Buffer.allocUnsafe(DATAGRAM_BYTES);
  readonly #rights = new Int32Array(254);
  readonly #rightsBytes = new Uint8Array(this.#rights.buffer);
  #taking = false;
  #closed = false;

  constructor(fd: number, onRequest: (fd: number, body: Buffer) => void) {
    this.#fd = fd;
    this.#onRequest = onRequest;
    this.#registration = new NodePoller().add(fd, () => this.#take());
  }

  set taking(on: boolean) {
    if (on === this.#taking || this.#closed) return;
    this.#taking = on;
    this.#registration.update({ read: on, write: false });
  }

  close(): void {
    if (this.#closed) return;
    this.taking = false;
    this.#closed = true;
    this.#registration.close();
    syscalls.close(this.#fd);
  }

  /** One: the next may be for a neighbour who has nothing to do. */
  #take(): void {
    if (!this.#taking) return;
    const received = syscalls.receiveRights(this.#fd, this.#datagram, DATAGRAM_BYTES, this.#rightsBytes);
    // A neighbour was faster.
    if (received === -EAGAIN || received === -EINTR) return;
    // The pool's process has closed its end: it stops.
    if (received === 0) return this.close();
    const [, client, file] = this.#rights as unknown as [number, number, number];
    const count = this.#rights[0] as number;
    if (received < 0) {
      // Descriptors have run out in this process: what did arrive must not leak.
      for (let i = 1; i <= count; i++) syscalls.close(this.#rights[i] as number);
      const { message } = new SystemCallError('recvmsg', -received, 'the request of a client');
      process.emitWarning(`${message}: the client has no answer; raise the limit of open files (ulimit -n).`);
      return;
    }
    if (count === 1)
      return this.#onRequest(client, Buffer.from(this.#datagram.subarray(LENGTH_BYTES, received)));
    this.#onRequest(client, this.#read(file, this.#datagram.readUInt32BE()));
  }

  #read(file: number, length: number): Buffer {
    const body = Buffer.allocUnsafeSlow(length);
    try {
      for (let at = 0; at < length; ) {
        const count = syscalls.readAt(file, body, at, length - at, at);
        if (count !== -EINTR) at += check(count, 'pread', 'the request of a client');
      }
    } finally {
      syscalls.close(file);
    }
    return body;
  }
}
