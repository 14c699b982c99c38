import { randomBytes } from 'node:crypto';
import type { Frame } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { EAGAIN, EINTR, ENOBUFS, syscalls } from '@millrace/native/syscalls';
import * as layout from './datagram-layout.js';

/**
 * From this size on a message is a datagram of its own, which the kernel puts together from the header and the message where
 * it lies: a system call costs less than copying it first.
 */
const LEAST_ALONE = 16 * 1024;
/** The most memory that is kept for the rest of the next large message. */
const KEPT_BYTES = 4 << 20;

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
  #largeAt = 0;
  #largeEnd = 0;
  /** Memory of the last one. */
  #spare: Buffer | undefined;
  /** Bytes of all of it. */
  #total = 0;
  #blocked = false;
  #lastInPieces = false;

  constructor(fd: number, alone: boolean) {
    this.#fd = fd;
    this.#alone = alone;
  }

  get pendingBytes(): number {
    return this.#used + (this.#large ? this.#largeEnd - this.#largeAt : 0);
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
    if (length >= LEAST_ALONE && length <= layout.MAX_WHOLE && frame.headLength === 0)
      return this.#sendAlone(frame);
    const fits = this.#used === 0 || (!this.#alone && bytes <= layout.DATAGRAM_BYTES - this.#used);
    if (!fits && !this.flush()) return false;
    this.#lastInPieces = length > layout.MAX_WHOLE;
    if (this.#lastInPieces) {
      return this.#addLarge(frame);
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
    if (this.#large === undefined) {
      // A refused message is not kept here: the caller tries again.
      this.#blocked = false;
      return true;
    }
    this.#largeAt = this.#sendPieces(this.#large, this.#largeAt, this.#largeEnd);
    if (this.#largeAt < this.#largeEnd) return false;
    if (this.#large.length <= KEPT_BYTES) this.#spare = this.#large;
    this.#large = undefined;
    return true;
  }

  /** Gives up what waits. */
  discard(): void {
    this.#used = 0;
    this.#large = undefined;
    this.#blocked = false;
  }

  /** Sends a message that is a datagram from where it lies, after what is gathered; false when the kernel has no room. */
  #sendAlone({ body, bodyStart, bodyEnd }: Frame): boolean {
    if (this.#used > 0 && !this.flush()) return false;
    const length = bodyEnd - bodyStart;
    this.#lastInPieces = false;
    this.#datagram.writeUInt32LE(length, layout.LENGTH_AT);
    this.#datagram.writeUInt32LE(layout.WHOLE, layout.KIND_AT);
    return this.#sendParts(layout.WHOLE_HEADER_BYTES, body, bodyStart, length);
  }

  /** Sends as much of a large message as there is room for, and keeps a copy of the rest; false when there is none. */
  #addLarge(frame: Frame): boolean {
    let { body, bodyStart: start, bodyEnd: end } = frame;
    // A head is rare, and small: a message with one pays for a copy of all.
    if (frame.headLength > 0) {
      body = Buffer.allocUnsafeSlow(frame.length);
      frame.copyTo(body, 0);
      start = 0;
      end = body.length;
    }
    this.#number++;
    this.#total = frame.length;
    const at = this.#sendPieces(body, start, end);
    if (at === start) return false;
    if (at === end) return true;
    const rest = end - at;
    this.#large =
      this.#spare !== undefined && this.#spare.length >= rest ? this.#spare : Buffer.allocUnsafeSlow(rest);
    this.#spare = undefined;
    this.#large.set(body.subarray(at, end));
    this.#largeAt = 0;
    this.#largeEnd = rest;
    return true;
  }

  /** Sends `body[at, end)`, which ends the large message that is under way, as far as there is room; returns how far. */
  #sendPieces(body: Uint8Array, at: number, end: number): number {
    // The datagram buffer is free for the header: a large message is only taken when nothing was gathered.
    const datagram = this.#datagram;
    while (at < end) {
      const piece = Math.min(end - at, layout.MAX_PIECE);
      datagram.writeUInt32LE(piece, layout.LENGTH_AT);
      datagram.writeUInt32LE(end - at === this.#total ? layout.FIRST : layout.MORE, layout.KIND_AT);
      datagram.writeUInt32LE(this.#sender, layout.SENDER_AT);
      datagram.writeUInt32LE(this.#number >>> 0, layout.NUMBER_AT);
      datagram.writeUInt32LE(this.#total, layout.TOTAL_AT);
      if (!this.#sendParts(layout.PIECE_HEADER_BYTES, body, at, piece)) break;
      at += piece;
    }
    return at;
  }

  #send(bytes: number): boolean {
    for (;;) {
      const sent = syscalls.send(this.#fd, this.#datagram, 0, bytes);
      if (sent !== -EINTR) return this.#took(sent, 'send');
    }
  }

  /** Sends the header that the datagram buffer begins with, and `length` bytes of `body` after it. */
  #sendParts(header: number, body: Uint8Array, at: number, length: number): boolean {
    for (;;) {
      const sent = syscalls.sendParts(this.#fd, this.#datagram, header, body, at, length);
      if (sent !== -EINTR) return this.#took(sent, 'sendmsg');
    }
  }

  #took(sent: number, call: string): boolean {
    this.#blocked = sent === -EAGAIN || sent === -ENOBUFS;
    if (sent < 0 && !this.#blocked) throw new SystemCallError(call, -sent, `pipe, descriptor ${this.#fd}`);
    return sent >= 0;
  }
}
