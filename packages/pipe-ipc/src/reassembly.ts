import * as layout from './datagram-layout.js';
import { PipeError } from './errors.js';

interface Unfinished {
  readonly number: number;
  readonly whole: Buffer;
  arrived: number;
}

/** Puts messages together that came in pieces; one unfinished message for each sender, and a bound on senders. */
export class Reassembly {
  readonly #maxMessageSize: number;
  readonly #unfinished = new Map<number, Unfinished>();
  /** Bytes of all unfinished messages. */
  #bytes = 0;
  #dropped = 0;

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

  /** Adds the piece whose header is at `at`; the whole message once it is complete. */
  add(datagram: Buffer, at: number, kind: number, length: number): Buffer | undefined {
    const sender = datagram.readUInt32LE(at + layout.SENDER_AT);
    const number = datagram.readUInt32LE(at + layout.NUMBER_AT);
    const total = datagram.readUInt32LE(at + layout.TOTAL_AT);
    if (kind === layout.FIRST) this.#begin(sender, number, total);
    const message = this.#unfinished.get(sender);
    // The beginning went to a reader that is gone, or was dropped.
    if (message === undefined || message.number !== number) return undefined;
    if (message.arrived + length > message.whole.length) {
      throw new PipeError(
        'ERR_MILLRACE_PIPE_CORRUPT',
        `A piece goes beyond its message of ${message.whole.length} bytes.`,
      );
    }
    const start = at + layout.PIECE_HEADER_BYTES;
    message.arrived += datagram.copy(message.whole, message.arrived, start, start + length);
    if (message.arrived < message.whole.length) return undefined;
    this.#forget(sender);
    return message.whole;
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
      whole: Buffer.allocUnsafeSlow(total),
      arrived: 0,
    });
  }

  #forget(sender: number): boolean {
    this.#bytes -= this.#unfinished.get(sender)?.whole.length ?? 0;
    return this.#unfinished.delete(sender);
  }
}
