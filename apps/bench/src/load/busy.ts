import type { Connection } from '@millrace/reactor';
import type { LatencyHistogram } from './latency.js';

/** One message of so many is timed: reading the clock twice for each would slow the client down. */
const TIMED = 8;
const LENGTH_BYTES = 4;

/** What all connections of a client count together. */
export interface Tally {
  /** Whether the window is open. */
  counting: boolean;
  answers: number;
  readonly latency: LatencyHistogram;
}

/** The bytes of one message on the wire. */
export function frameBytes(framing: 'length' | 'none', bytes: number): number {
  return framing === 'length' ? LENGTH_BYTES + bytes : bytes;
}

/**
 * One connection with a number of messages in flight. Each place has its message, which is there as it was sent until
 * the answer has been compared with it; then it changes at its beginning and its end, and is sent again.
 *
 *     place 0            place 1           …
 *     | frame | frame | frame |        firstUnsent … what is to be sent again; firstOpen … whose answer comes next
 */
export class Busy {
  readonly #tally: Tally;
  readonly #memory: Buffer;
  readonly #frame: number;
  readonly #header: number;
  readonly #depth: number;
  /** When the message of each place was sent; 0 when it is not timed. */
  readonly #sentAt: Float64Array;
  #sends = 0;
  #answered = 0;
  /** Where in the memory the next byte of an answer is, and how many have come of one that is not complete. */
  #compared = 0;
  #ahead = 0;

  constructor(framing: 'length' | 'none', bytes: number, depth: number, seed: number, tally: Tally) {
    this.#tally = tally;
    this.#frame = frameBytes(framing, bytes);
    this.#header = this.#frame - bytes;
    this.#depth = depth;
    this.#sentAt = new Float64Array(depth);
    this.#memory = Buffer.allocUnsafeSlow(this.#frame * depth);
    let state = (seed + 1) * 0x9e3779b1;
    for (let at = 0; at < this.#memory.length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      this.#memory[at] = state >>> 24;
    }
    if (this.#header === 0) return;
    for (let place = 0; place < depth; place++) this.#memory.writeUInt32BE(bytes, place * this.#frame);
  }

  /** Compares what came with what was sent, byte for byte; throws when it differs. Returns how many answers it completes. */
  received(memory: Buffer, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const length = Math.min(end - at, this.#memory.length - this.#compared);
      if (memory.compare(this.#memory, this.#compared, this.#compared + length, at, at + length) !== 0)
        throw new Error('An answer differs from what was sent.');
      this.#compared = (this.#compared + length) % this.#memory.length;
      at += length;
    }
    this.#ahead += end - start;
    let complete = 0;
    for (; this.#ahead >= this.#frame; this.#ahead -= this.#frame) {
      this.#answer();
      complete++;
    }
    return complete;
  }

  #answer(): void {
    const place = this.#answered++ % this.#depth;
    const { counting, latency } = this.#tally;
    if (!counting) return;
    this.#tally.answers++;
    const sentAt = this.#sentAt[place] as number;
    if (sentAt > 0) latency.record(performance.now() - sentAt);
  }

  /** Sends again what has been answered, one write for what lies together. */
  sendOn(connection: Connection<unknown>): void {
    while (this.#sends < this.#answered + this.#depth) {
      const first = this.#sends % this.#depth;
      const count = Math.min(this.#depth - first, this.#answered + this.#depth - this.#sends);
      for (let i = 0; i < count; i++) this.#renew(first + i);
      if (!connection.write(this.#memory, first * this.#frame, (first + count) * this.#frame))
        throw new Error('A message was not taken.');
    }
  }

  #renew(place: number): void {
    const begin = place * this.#frame;
    this.#memory.writeUInt32LE(this.#sends >>> 0, begin + this.#header);
    this.#memory.writeUInt32LE(~this.#sends >>> 0, begin + this.#frame - 4);
    this.#sentAt[place] = this.#sends++ % TIMED === 0 ? performance.now() : 0;
  }
}
