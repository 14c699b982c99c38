import { Alarm } from '@millrace/channel/internal';
import { NodePoller, type PollRegistration } from '@millrace/native';
import { EAGAIN, EINTR, syscalls } from '@millrace/native/syscalls';
import { LENGTH_BYTES } from './request-layout.js';

const SCRATCH_BYTES = 65_536;
/** Every reader of this thread reads into it, one at a time, and copies. */
const scratch = Buffer.allocUnsafe(SCRATCH_BYTES);

export interface RequestLimits {
  /** Bytes of the largest body. */
  readonly maxRequestSize: number;
  /** Milliseconds in which the whole request has to be there. */
  readonly timeout: number;
}

export interface RequestReaderEvents {
  /** The request is there; the reader has let go of the descriptor. */
  complete(reader: RequestReader, body: Buffer): void;
  /** The client has left, is too slow, or asks for too much: the descriptor is closed. */
  over(reader: RequestReader): void;
  /** Has the reader held more bytes than before. */
  grew(): void;
}

/** Reads the one request of a client. Bytes behind it are dropped. */
export class RequestReader {
  readonly fd: number;
  readonly #limits: RequestLimits;
  readonly #events: RequestReaderEvents;
  readonly #registration: PollRegistration;
  #deadline: Alarm;
  #parts: Buffer[] = [];
  #received = 0;
  #length: number | undefined;
  #paused = false;
  #closed = false;

  constructor(fd: number, limits: RequestLimits, events: RequestReaderEvents) {
    this.fd = fd;
    this.#limits = limits;
    this.#events = events;
    this.#registration = new NodePoller().add(fd, () => this.read());
    this.#registration.unref();
    this.#registration.update({ read: true, write: false });
    this.#deadline = this.#arm();
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.#received;
  }

  /** While paused it reads nothing, and its client's time does not run out. */
  set paused(on: boolean) {
    if (on === this.#paused || this.#closed) return;
    this.#paused = on;
    this.#registration.update({ read: !on, write: false });
    if (on) this.#deadline.cancel();
    else this.#deadline = this.#arm();
  }

  /** Reads what is there, once: the other clients have their turn. */
  read(): void {
    if (this.#closed || this.#paused) return;
    const count = syscalls.receive(this.fd, scratch, 0, SCRATCH_BYTES);
    if (count === -EAGAIN || count === -EINTR) return;
    if (count <= 0) return this.#over();
    this.#parts.push(Buffer.from(scratch.subarray(0, count)));
    this.#received += count;
    if (this.#length === undefined && this.#received >= LENGTH_BYTES) {
      this.#length = this.#joined().readUInt32BE(0);
      if (this.#length > this.#limits.maxRequestSize) return this.#over();
    }
    if (this.#length === undefined || this.#received < LENGTH_BYTES + this.#length)
      return this.#events.grew();
    const body = this.#joined().subarray(LENGTH_BYTES, LENGTH_BYTES + this.#length);
    this.#letGo();
    this.#events.complete(this, body);
  }

  /** Closes the connection. */
  close(): void {
    if (this.#closed) return;
    this.#letGo();
    syscalls.close(this.fd);
  }

  #arm(): Alarm {
    return new Alarm(this.#limits.timeout, () => {
      // After a freeze of this process the request may be there, and only the time has gone by.
      this.read();
      if (!this.#closed) this.#over();
    }).unref();
  }

  #over(): void {
    this.close();
    this.#events.over(this);
  }

  #letGo(): void {
    this.#closed = true;
    this.#deadline.cancel();
    this.#registration.close();
    this.#parts = [];
  }

  #joined(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }
}
