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
  /** Messages that were never answered, while later ones of their connection were. */
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
 * One connection with one message under way, every one of which is timed. Messages carry a number: when one is overdue
 * another is sent, and the first answer that comes tells whether the one before was late or lost.
 *
 *     | length, 4 bytes | number, 4 bytes | the same bytes in each message |
 */
export class Watched {
  readonly #message: Buffer;
  /** Of the message that was sent last, and of the first that has had no answer. */
  #sent = 0;
  #open = 1;
  sentAt = 0;

  constructor(bytes: number, seed: number) {
    this.#message = Buffer.alloc(LENGTH_BYTES + bytes, seed);
    this.#message.writeUInt32BE(bytes);
  }

  /** Whether a message has been without an answer since before `time`. */
  overdue(time: number): boolean {
    return this.#open <= this.#sent && this.sentAt < time;
  }

  send(connection: Connection<Watched>): void {
    this.#message.writeUInt32LE(++this.#sent, LENGTH_BYTES);
    this.sentAt = performance.now();
    if (!connection.write(this.#message)) throw new Error('A message was not taken.');
  }

  /** How many messages before this answer's were lost; throws when it answers none that was sent. */
  answer(memory: Buffer, start: number, end: number): number {
    const number = memory.readUInt32LE(start + LENGTH_BYTES);
    const body = 2 * LENGTH_BYTES;
    const same = this.#message.compare(memory, start + body, end, body, this.#message.length) === 0;
    if (!same || number < this.#open || number > this.#sent)
      throw new Error('An answer differs from what was sent.');
    const lost = number - this.#open;
    this.#open = number + 1;
    return lost;
  }

  /** Whether every message has been answered or is lost. */
  get idle(): boolean {
    return this.#open > this.#sent;
  }
}
