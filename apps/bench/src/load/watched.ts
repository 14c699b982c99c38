import type { Connection } from '@millrace/reactor';
import { LatencyHistogram } from './latency.js';

const LENGTH_BYTES = 4;

/** What a client sees while something happens to its server. */
export interface Disturbance {
  readonly answers: number;
  /** Milliseconds of the longest time in which no answer came, on any connection. */
  readonly silence: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Messages that were never answered. */
  readonly lost: number;
  /** Connections that broke. */
  readonly closed: number;
}

/** What all connections of a client have seen since it was begun. */
export class Watch {
  answers = 0;
  lost = 0;
  closed = 0;
  silence = 0;
  readonly latency = new LatencyHistogram();
  #last = performance.now();

  answered(sentAt: number): void {
    const now = performance.now();
    this.answers++;
    this.silence = Math.max(this.silence, now - this.#last);
    this.#last = now;
    this.latency.record(now - sentAt);
  }

  report(): Disturbance {
    const { answers, lost, closed, latency } = this;
    const silence = Math.max(this.silence, performance.now() - this.#last);
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => latency.percentile(share)) as [
      number,
      number,
      number,
    ];
    return { answers, silence, p50, p99, p999, lost, closed };
  }
}

/**
 * One connection with one message under way, every one of which is timed. Messages carry a number, so that one which
 * is given up and answered later is told apart.
 *
 *     | length, 4 bytes | number, 4 bytes | the same bytes in each message |
 */
export class Watched {
  readonly #message: Buffer;
  #number = 0;
  #waiting = false;
  sentAt = 0;

  constructor(bytes: number, seed: number) {
    this.#message = Buffer.alloc(LENGTH_BYTES + bytes, seed);
    this.#message.writeUInt32BE(bytes);
  }

  /** Whether a message has been without an answer since before `time`. */
  overdue(time: number): boolean {
    return this.#waiting && this.sentAt < time;
  }

  send(connection: Connection<Watched>): void {
    this.#message.writeUInt32LE(++this.#number, LENGTH_BYTES);
    this.#waiting = true;
    this.sentAt = performance.now();
    if (!connection.write(this.#message)) throw new Error('A message was not taken.');
  }

  /** Whether it is the answer that is waited for; throws when it is none of what was sent. */
  answer(memory: Buffer, start: number, end: number): boolean {
    const number = memory.readUInt32LE(start + LENGTH_BYTES);
    const body = start + 2 * LENGTH_BYTES;
    const whole = end - start === this.#message.length;
    if (
      !whole ||
      number > this.#number ||
      memory.compare(this.#message, 2 * LENGTH_BYTES, this.#message.length, body, end) !== 0
    )
      throw new Error('An answer differs from what was sent.');
    if (number < this.#number || !this.#waiting) return false;
    this.#waiting = false;
    return true;
  }
}
