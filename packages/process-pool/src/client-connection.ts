/**
 * A client of the socket mode: one request, one answer, then the connection ends. Both are framed alike:
 *
 *   ┌────────┬──────────────┐
 *   │ LENGTH │ LENGTH bytes │
 *   └────────┴──────────────┘
 *
 * LENGTH is an unsigned 32-bit integer, big endian.
 */
import { Socket } from 'node:net';

const HEADER_BYTES = 4;

export interface ClientLimits {
  /** Bytes of the largest request. */
  readonly maxRequestSize: number;
  /** Milliseconds in which a request has to be there, and an answer to be taken. */
  readonly timeout: number;
}

export interface ClientEvents {
  request(body: Buffer): void;
  /** The connection is over, answered or not. */
  closed(): void;
}

export class ClientConnection {
  /** Resolves when the connection is over. */
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #limits: ClientLimits;
  readonly #events: ClientEvents;
  readonly #parts: Buffer[] = [];
  #received = 0;
  #length: number | undefined;
  #answer: Buffer[] = [];
  #asked = false;

  constructor(fd: number, limits: ClientLimits, events: ClientEvents) {
    this.#limits = limits;
    this.#events = events;
    this.#socket = new Socket({ fd, allowHalfOpen: true });
    this.#socket.setTimeout(limits.timeout, () => this.destroy());
    this.#socket.on('data', (bytes: Buffer) => this.#arrived(bytes));
    // It has gone before it asked, or breaks off: there is nobody to answer.
    this.#socket.on('end', () => {
      if (!this.#asked) this.destroy();
    });
    this.#socket.on('error', () => this.destroy());
    this.gone = new Promise((resolve) => {
      this.#socket.once('close', () => {
        events.closed();
        resolve();
      });
    });
    // A descriptor is only read from once it is asked to be.
    this.#socket.resume();
  }

  /** Adds to the answer. */
  write(bytes: Uint8Array | string): void {
    this.#answer.push(Buffer.from(bytes));
  }

  /** Sends the answer as one frame, and ends the connection; no answer at all when nothing was written. */
  finish(): void {
    if (this.#socket.destroyed) return;
    this.#socket.setTimeout(this.#limits.timeout);
    const body = Buffer.concat(this.#answer);
    this.#answer = [];
    if (body.length === 0) {
      this.#socket.end(() => this.destroy());
      return;
    }
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(body.length);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.end(body, () => this.destroy());
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #arrived(bytes: Buffer): void {
    if (this.#asked) return;
    this.#parts.push(bytes);
    this.#received += bytes.length;
    if (this.#length === undefined && this.#received >= HEADER_BYTES) {
      this.#length = this.#joined().readUInt32BE(0);
      if (this.#length > this.#limits.maxRequestSize) return this.destroy();
    }
    if (this.#length === undefined || this.#received < HEADER_BYTES + this.#length) return;
    this.#asked = true;
    // However long the handler takes: the client waits for it.
    this.#socket.setTimeout(0);
    this.#events.request(this.#joined().subarray(HEADER_BYTES, HEADER_BYTES + this.#length));
  }

  #joined(): Buffer {
    if (this.#parts.length > 1) this.#parts.splice(0, this.#parts.length, Buffer.concat(this.#parts));
    return this.#parts[0] as Buffer;
  }
}
