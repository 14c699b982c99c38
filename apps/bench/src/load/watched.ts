import type { Connection } from '@millrace/reactor';
import { LatencyHistogram } from './latency.js';

const LENGTH_BYTES = 4;
/** Messages sent so long after a beginning count as met by it: answers to those before may have been there already. */
const AT_FIRST_MS = 20;

/** What a client sees while something happens to its server. */
export interface Disturbance {
  readonly answers: number;
  /** Milliseconds that the slowest answer took. */
  readonly slowest: number;
  /** Milliseconds that the slowest answer took to a message under way at the beginning, or sent in the 20 after it. */
  readonly settled: number;
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
  slowest = 0;
  settled = 0;
  readonly #begun = performance.now();
  readonly latency = new LatencyHistogram();

  answered(sentAt: number): void {
    const now = performance.now();
    const took = now - sentAt;
    this.answers++;
    if (sentAt <= this.#begun + AT_FIRST_MS)
      this.settled = Math.max(this.settled, now - Math.max(sentAt, this.#begun));
    this.slowest = Math.max(this.slowest, took);
    this.latency.record(took);
  }

  report(): Disturbance {
    const { answers, slowest, settled, lost, closed, latency } = this;
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => latency.percentile(share)) as [
      number,
      number,
      number,
    ];
    return { answers, slowest, settled, p50, p99, p999, lost, closed };
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
  /** When the oldest message without an answer was sent. */
  #openSince = 0;
  #sentAt = 0;
  /** Numbers of messages that seem lost. */
  readonly #skipped = new Set<number>();

  constructor(bytes: number, seed: number) {
    this.#message = Buffer.alloc(LENGTH_BYTES + bytes, seed);
    this.#message.writeUInt32BE(bytes);
  }

  /** Whether a message has been without an answer since before `time`. */
  overdue(time: number): boolean {
    return !this.idle && this.#sentAt < time;
  }

  send(connection: Connection<Watched>): void {
    this.#message.writeUInt32LE(++this.#sent, LENGTH_BYTES);
    this.#sentAt = performance.now();
    if (this.#open === this.#sent) this.#openSince = this.#sentAt;
    if (!connection.write(this.#message)) throw new Error('A message was not taken.');
  }

  /**
   * Tells `watch` of an answer, and of messages before it that seem lost, until an answer comes to them too: tasks
   * overtake each other. Throws when it answers none that was sent, or one for the second time.
   */
  answer(memory: Buffer, start: number, end: number, watch: Watch): void {
    const number = memory.readUInt32LE(start + LENGTH_BYTES);
    const body = 2 * LENGTH_BYTES;
    const same = this.#message.compare(memory, start + body, end, body, this.#message.length) === 0;
    if (!same || number > this.#sent) throw new Error('An answer differs from what was sent.');
    if (number < this.#open) {
      if (!this.#skipped.delete(number)) throw new Error('A message was answered twice.');
      watch.lost--;
      return;
    }
    watch.lost += number - this.#open;
    for (let skipped = this.#open; skipped < number; skipped++) this.#skipped.add(skipped);
    // Of one behind a lost one, what its client has waited for it: since it was sent.
    watch.answered(number === this.#open ? this.#openSince : this.#sentAt);
    this.#open = number + 1;
    this.#openSince = this.#sentAt;
  }

  /** Whether every message has been answered or is lost. */
  get idle(): boolean {
    return this.#open > this.#sent;
  }
}
