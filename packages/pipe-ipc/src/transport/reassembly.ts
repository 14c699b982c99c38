import { PipeError } from '../errors.js';
import * as layout from './datagram-layout.js';

interface Unfinished {
  readonly number: number;
  readonly total: number;
  /** Memory for it, perhaps more than it needs. */
  readonly memory: Buffer;
  arrived: number;
}

/** The most memory that is kept for the next message in pieces. */
const KEPT_BYTES = 4 << 20;

/** Puts messages together that came in pieces; one unfinished message for each sender, and a bound on senders. */
export class Reassembly {
  readonly #maxMessageSize: number;
  readonly #unfinished = new Map<number, Unfinished>();
  #bytes = 0;
  #dropped = 0;
  #spare: Buffer | undefined;

  constructor(maxMessageSize: number) {
    this.#maxMessageSize = maxMessageSize;
  }

  get hasUnfinished(): boolean {
    return this.#unfinished.size > 0;
  }

  /** Messages that never came to an end: their sender died, or too many sent large ones at once. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes of all unfinished messages: at most two of the largest. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the piece whose header is at `at`; the whole message once it is complete, valid until the next call. */
  add(datagram: Buffer, at: number, kind: number, length: number): Buffer | undefined {
    const sender = datagram.readUInt32LE(at + layout.SENDER_AT);
    const number = datagram.readUInt32LE(at + layout.NUMBER_AT);
    const total = datagram.readUInt32LE(at + layout.TOTAL_AT);
    if (kind === layout.FIRST) this.#begin(sender, number, total);
    const message = this.#unfinished.get(sender);
    // The beginning went to a reader that is gone, or was dropped.
    if (message === undefined || message.number !== number) return undefined;
    if (message.arrived + length > message.total) {
      throw new PipeError(
        'ERR_MILLRACE_PIPE_CORRUPT',
        `A piece goes beyond its message of ${message.total} bytes.`,
      );
    }
    const start = at + layout.PIECE_HEADER_BYTES;
    message.arrived += datagram.copy(message.memory, message.arrived, start, start + length);
    if (message.arrived < message.total) return undefined;
    this.#forget(sender);
    if (message.memory.length <= KEPT_BYTES) this.#spare = message.memory;
    return message.memory.length === message.total
      ? message.memory
      : message.memory.subarray(0, message.total);
  }

  #begin(sender: number, number: number, total: number): void {
    if (total > this.#maxMessageSize) {
      throw new PipeError(
        'ERR_MILLRACE_PIPE_CORRUPT',
        `A message of ${total} bytes is announced, the limit is ${this.#maxMessageSize}.`,
      );
    }
    if (this.#forget(sender)) this.#dropped++;
    // What dead senders left behind goes first: the oldest, until there is room for two of the largest messages.
    for (const oldest of this.#unfinished.keys()) {
      const fits = this.#bytes + total <= 2 * this.#maxMessageSize;
      if (fits && this.#unfinished.size < layout.MAX_UNFINISHED) break;
      this.#forget(oldest);
      this.#dropped++;
    }
    this.#bytes += total;
    this.#unfinished.set(sender, {
      number,
      total,
      memory: this.#memoryFor(total),
      arrived: 0,
    });
  }

  /** Fresh pages cost more than the copy, so that the memory of the last message is used again. */
  #memoryFor(total: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && spare.length >= total ? spare : Buffer.allocUnsafeSlow(total);
  }

  #forget(sender: number): boolean {
    this.#bytes -= this.#unfinished.get(sender)?.total ?? 0;
    return this.#unfinished.delete(sender);
  }
}
