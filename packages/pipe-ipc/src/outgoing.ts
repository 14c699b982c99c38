import { randomBytes } from 'node:crypto';
import type { Frame } from '@millrace/channel';
import { EAGAIN, EINTR, ENOBUFS, SystemCallError, syscalls } from '@millrace/native';
import * as layout from './datagram-layout.js';

/** Messages on their way out: gathers small ones to one datagram, cuts large ones to pieces. */
export class Outgoing {
  readonly #fd: number;
  /** Whether each message is a datagram of its own. */
  readonly #alone: boolean;
  readonly #sender = randomBytes(4).readUInt32LE();
  readonly #datagram = Buffer.allocUnsafeSlow(layout.DATAGRAM_BYTES);
  #used = 0;
  #number = 0;
  /** The unsent rest of a large message; sent before anything that was accepted after it. */
  #large: Buffer | undefined;
  #largeSent = 0;
  #blocked = false;
  #lastInPieces = false;

  constructor(fd: number, alone: boolean) {
    this.#fd = fd;
    this.#alone = alone;
  }

  get pendingBytes(): number {
    return this.#used + (this.#large ? this.#large.length - this.#largeSent : 0);
  }

  /** Whether the kernel had no room at the last attempt. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether the message that was accepted last takes several datagrams. */
  get lastInPieces(): boolean {
    return this.#lastInPieces;
  }

  /** Accepts a message whole or, when the kernel has no room, not at all. */
  add(frame: Frame): boolean {
    const length = frame.length;
    const bytes = layout.WHOLE_HEADER_BYTES + length;
    if (this.#large !== undefined && !this.flush()) return false;
    const fits = this.#used === 0 || (!this.#alone && bytes <= layout.DATAGRAM_BYTES - this.#used);
    if (!fits && !this.flush()) return false;
    this.#lastInPieces = length > layout.MAX_WHOLE;
    if (this.#lastInPieces) {
      this.#large = Buffer.allocUnsafeSlow(length);
      this.#largeSent = 0;
      this.#number++;
      frame.copyTo(this.#large, 0);
      this.flush();
      return true;
    }
    this.#datagram.writeUInt32LE(length, this.#used + layout.LENGTH_AT);
    this.#datagram.writeUInt32LE(layout.WHOLE, this.#used + layout.KIND_AT);
    frame.copyTo(this.#datagram, this.#used + layout.WHOLE_HEADER_BYTES);
    this.#used += bytes;
    return true;
  }

  /** Hands what is gathered to the kernel; false when it has no room for all of it. Throws when the peer is gone. */
  flush(): boolean {
    if (this.#used > 0) {
      if (!this.#send(this.#used)) return false;
      this.#used = 0;
    }
    while (this.#large !== undefined) {
      // The datagram buffer is free here: a large message is only taken when nothing was gathered.
      const piece = Math.min(this.#large.length - this.#largeSent, layout.MAX_PIECE);
      const header = this.#datagram;
      header.writeUInt32LE(piece, layout.LENGTH_AT);
      header.writeUInt32LE(this.#largeSent === 0 ? layout.FIRST : layout.MORE, layout.KIND_AT);
      header.writeUInt32LE(this.#sender, layout.SENDER_AT);
      header.writeUInt32LE(this.#number >>> 0, layout.NUMBER_AT);
      header.writeUInt32LE(this.#large.length, layout.TOTAL_AT);
      this.#large.copy(header, layout.PIECE_HEADER_BYTES, this.#largeSent, this.#largeSent + piece);
      if (!this.#send(layout.PIECE_HEADER_BYTES + piece)) return false;
      this.#largeSent += piece;
      if (this.#largeSent === this.#large.length) this.#large = undefined;
    }
    return true;
  }

  #send(bytes: number): boolean {
    for (;;) {
      const sent = syscalls.send(this.#fd, this.#datagram, 0, bytes);
      this.#blocked = sent === -EAGAIN || sent === -ENOBUFS;
      if (sent >= 0) return true;
      if (this.#blocked) return false;
      if (sent !== -EINTR) throw new SystemCallError('send', -sent, `pipe, descriptor ${this.#fd}`);
    }
  }
}
