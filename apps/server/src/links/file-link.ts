import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { SystemCallError } from '@millrace/native';
import { MAX_RIGHTS, syscalls } from '@millrace/native/syscalls';
import type { ReactorIndex } from '../contract/ids.js';
import { filesFull } from './send-errors.js';

/**
 * How files travel to a reactor thread: open, as descriptors, for it may have more rights than who asks, or another root
 * directory. Between each peer and each reactor thread lies a socket pair. A descriptor goes into it with a token, and
 * then a SEND_FILE packet with the same token into the link; both keep their order.
 *
 * Notes. A reactor thread takes a descriptor only for a packet, so what a process has open in the master is bounded by
 * what the kernel keeps in a socket. A process that dies between the two leaves a descriptor whose packet never comes:
 * the next packet's descriptor lies behind it, and it is closed then.
 */
export const TOKEN_BYTES = 16;
const RUN_BYTES = 8;

/** A file that waits until this process has its links. */
interface Held {
  readonly reactor: ReactorIndex;
  readonly token: Buffer;
  readonly file: number;
}

/** A process's links for files, one to each reactor thread. */
export class FileSender {
  /** Of this process and no other, then a count. */
  readonly #token = Buffer.concat([randomBytes(RUN_BYTES), Buffer.alloc(TOKEN_BYTES - RUN_BYTES)]);
  readonly #file = new Int32Array(1);
  readonly #rights = new Uint8Array(this.#file.buffer);
  readonly #held: Held[] = [];
  #sockets: readonly number[] | undefined;

  /** `sockets`: undefined where they come later, with `connect`. They stay the caller's. */
  constructor(sockets?: readonly number[]) {
    this.#sockets = sockets;
  }

  /**
   * Sends an open file, and takes it over; returns what its packet is to name it by, until the next. Throws
   * `ERR_MILLRACE_CHANNEL_FULL`.
   */
  send(reactor: ReactorIndex, file: number): Buffer {
    const token = this.#token;
    token.writeBigUInt64LE(token.readBigUInt64LE(RUN_BYTES) + 1n, RUN_BYTES);
    if (this.#sockets === undefined) {
      this.#held.push({ reactor, token: Buffer.from(token), file });
      return token;
    }
    try {
      const result = this.#pass(reactor, token, file);
      if (result < 0) throw filesFull(new SystemCallError('sendmsg', -result));
      return token;
    } finally {
      closeSync(file);
    }
  }

  /** The links are this process's now: what has been held goes first. Then packets may follow. */
  connect(sockets: readonly number[]): void {
    this.#sockets = sockets;
    for (const { reactor, token, file } of this.#held.splice(0)) {
      // Where there is no room its packet finds no file, and the session is closed for that.
      this.#pass(reactor, token, file);
      closeSync(file);
    }
  }

  /** Closes what is held. */
  close(): void {
    for (const { file } of this.#held.splice(0)) closeSync(file);
  }

  #pass(reactor: ReactorIndex, token: Buffer, file: number): number {
    this.#file[0] = file;
    const socket = (this.#sockets as readonly number[])[reactor] as number;
    return syscalls.sendRights(socket, token, TOKEN_BYTES, this.#rights, 1);
  }
}

/** The reactor thread's end of the way from a peer. */
export class FileReceiver {
  readonly #socket: number;
  readonly #token = Buffer.alloc(TOKEN_BYTES);
  readonly #rights = new Int32Array(1 + MAX_RIGHTS);
  readonly #rightBytes = new Uint8Array(this.#rights.buffer);

  constructor(socket: number) {
    this.#socket = socket;
  }

  /** The file that came with a token, which is the caller's then; or the negated errno of why there is none. */
  take(token: Uint8Array): number {
    for (;;) {
      const result = syscalls.receiveRights(this.#socket, this.#token, TOKEN_BYTES, this.#rightBytes);
      const files = this.#rights.subarray(1, 1 + Math.max(0, this.#rights[0] as number));
      const isIt = result === TOKEN_BYTES && files.length === 1 && this.#token.equals(token);
      this.#rights[0] = 0;
      if (isIt) return files[0] as number;
      // Of a process that died before its packet was sent; or more than one, which none of ours sends.
      for (const file of files) closeSync(file);
      if (result < 0) return result;
    }
  }
}
