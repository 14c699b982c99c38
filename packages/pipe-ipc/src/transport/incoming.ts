import { BREAK, CONTINUE, type FrameVisitor, type VisitAction } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { EAGAIN, ECONNRESET, EINTR, syscalls } from '@millrace/native/syscalls';
import { PipeError } from '../errors.js';
import * as layout from './datagram-layout.js';
import { Reassembly } from './reassembly.js';

/** Messages on their way in: takes datagrams one by one and messages out of them. */
export class Incoming {
  readonly #fd: number;
  readonly #datagram = Buffer.allocUnsafeSlow(layout.DATAGRAM_BYTES);
  readonly #reassembly: Reassembly;
  #at = 0;
  #end = 0;
  #ended = false;
  #reset = false;
  #failure: Error | undefined;
  /** What the visitor of the last message said. */
  #action: VisitAction = CONTINUE;

  constructor(fd: number, maxMessageSize: number) {
    this.#fd = fd;
    this.#reassembly = new Reassembly(maxMessageSize);
  }

  /** The last peer has closed its end and everything it sent has been taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The last peer has gone without reading all that was sent to it. The kernel says so first, before what it sent. */
  get reset(): boolean {
    return this.#reset;
  }

  /** What `read` has thrown of its own, and not its visitor. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether messages of a datagram already taken are still to be visited. */
  get hasBuffered(): boolean {
    return this.#at < this.#end;
  }

  /** Whether a message has been taken from the socket and not visited, or in part. */
  get hasUnfinished(): boolean {
    return this.hasBuffered || this.#reassembly.hasUnfinished;
  }

  /** Memory of messages whose end has not come. */
  get unfinishedBytes(): number {
    return this.#reassembly.bytes;
  }

  get dropped(): number {
    return this.#reassembly.dropped;
  }

  /** Goes on behind the datagram that was none of a pipe: `read` has passed it by. */
  forgive(): void {
    this.#failure = undefined;
  }

  /** Takes all that is there, and drops it: it was sent by a process whose messages make no sense. */
  discard(): void {
    while (this.#nextDatagram());
    this.#at = this.#end;
  }

  /** Visits up to `limit` messages, until the visitor returns false; returns how many. Throws when the socket fails or holds something else. */
  read(visit: FrameVisitor, limit: number): number {
    let count = 0;
    this.#action = CONTINUE;
    while (count < limit && this.#action !== BREAK && this.fill()) count += this.#part(visit);
    return count;
  }

  /** Takes a datagram, unless one is at hand; false when there is none. Throws when the socket fails. */
  fill(): boolean {
    return this.hasBuffered || this.#nextDatagram();
  }

  #nextDatagram(): boolean {
    if (this.#ended) return false;
    for (;;) {
      const received = syscalls.receive(this.#fd, this.#datagram, 0, layout.DATAGRAM_BYTES);
      if (received > 0) {
        this.#at = 0;
        this.#end = received;
        return true;
      }
      if (received === 0) {
        this.#ended = true;
        return false;
      }
      if (received === -EAGAIN) return false;
      if (received === -ECONNRESET) this.#reset = true;
      else if (received !== -EINTR)
        throw this.#fail(new SystemCallError('recv', -received, `pipe, descriptor ${this.#fd}`));
    }
  }

  /** Takes the next part; 1 when it was or completed a message. */
  #part(visit: FrameVisitor): 0 | 1 {
    const at = this.#at;
    const left = this.#end - at;
    const length = left >= layout.WHOLE_HEADER_BYTES ? this.#datagram.readUInt32LE(at + layout.LENGTH_AT) : 0;
    const kind = left >= layout.WHOLE_HEADER_BYTES ? this.#datagram.readUInt32LE(at + layout.KIND_AT) : 0;
    const header = kind === layout.WHOLE ? layout.WHOLE_HEADER_BYTES : layout.PIECE_HEADER_BYTES;
    if (kind < layout.WHOLE || kind > layout.MORE || header + length > left) {
      this.#at = this.#end;
      throw this.#fail(
        new PipeError(
          'ERR_MILLRACE_PIPE_CORRUPT',
          `A datagram of ${this.#end} bytes is not one of this layout.`,
        ),
      );
    }
    this.#at = at + header + length;
    if (kind === layout.WHOLE) {
      this.#action = visit(this.#datagram, at + header, at + header + length);
      return 1;
    }
    const whole = this.#whole(at, kind, length);
    if (whole === undefined) return 0;
    this.#action = visit(whole, 0, whole.length);
    return 1;
  }

  /** The message that a piece completes. */
  #whole(at: number, kind: number, length: number): Buffer | undefined {
    try {
      return this.#reassembly.add(this.#datagram, at, kind, length);
    } catch (error) {
      throw this.#fail(error as Error);
    }
  }

  #fail(error: Error): Error {
    this.#failure = error;
    return error;
  }
}
