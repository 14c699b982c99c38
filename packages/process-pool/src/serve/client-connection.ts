import { Socket } from 'node:net';
import { type Bytes, bytesOrText } from '@millrace/channel';
import { LENGTH_BYTES } from './request-layout.js';

/** A client whose request is worked on: it gets one answer, then the connection ends. */
export class ClientConnection {
  /** Resolves when the connection is over. */
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #timeout: number;
  #answer: Buffer[] = [];

  /** `timeout`: milliseconds in which the answer has to be taken. */
  constructor(fd: number, timeout: number) {
    this.#timeout = timeout;
    this.#socket = new Socket({ fd, allowHalfOpen: true });
    this.#socket.on('error', () => this.destroy());
    this.gone = new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
    });
    // Whatever comes after the request is dropped: unread, it would make the end of the connection a reset.
    this.#socket.resume();
  }

  /** Adds to the answer. */
  write(bytes: Bytes | string): void {
    // A copy: the caller may go on with its memory.
    this.#answer.push(Buffer.from(bytesOrText(bytes)));
  }

  /** Sends the answer as one frame, and ends the connection; no answer at all when nothing was written. */
  finish(): void {
    if (this.#socket.destroyed) return;
    this.#socket.setTimeout(this.#timeout, () => this.destroy());
    const body = Buffer.concat(this.#answer);
    this.#answer = [];
    if (body.length === 0) {
      this.#socket.end(() => this.destroy());
      return;
    }
    const header = Buffer.alloc(LENGTH_BYTES);
    header.writeUInt32BE(body.length);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.end(body, () => this.destroy());
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
