import type { PeerId } from '../contract/ids.js';
import { bitOf, rowAt, rowEnd, TOPIC_BITS, topicBoardBytes, wordOf } from './topic-layout.js';

/** Who subscribes to what; see topic-layout.ts. */
export class TopicBoard {
  readonly #words: Int32Array;

  constructor(memory: ArrayBuffer, peers: number) {
    this.#words = new Int32Array(memory, 0, topicBoardBytes(peers) / 4);
  }

  /** Whether a process may subscribe to the topic of that number. */
  has(peer: PeerId, topic: number): boolean {
    return (Atomics.load(this.#words, rowAt(peer) + wordOf(topic)) & bitOf(topic)) !== 0;
  }

  add(peer: PeerId, topic: number): void {
    Atomics.or(this.#words, rowAt(peer) + wordOf(topic), bitOf(topic));
  }

  delete(peer: PeerId, topic: number): void {
    Atomics.and(this.#words, rowAt(peer) + wordOf(topic), ~bitOf(topic));
  }

  /** Makes the row of a process say `topics` and nothing else. A topic that stays is never missing meanwhile. */
  write(peer: PeerId, topics: Iterable<number>): void {
    const row = new Int32Array(TOPIC_BITS / 32);
    for (const topic of topics) row[wordOf(topic)] = (row[wordOf(topic)] as number) | bitOf(topic);
    for (const [word, bits] of row.entries()) Atomics.store(this.#words, rowAt(peer) + word, bits);
  }

  /** The numbers of all topics that some process may subscribe to; of one process it is not asked. */
  *all(except?: PeerId): Generator<number> {
    const row = rowEnd(0);
    for (let word = 0; word < row; word++) {
      let bits = 0;
      for (let at = word, peer = 0; at < this.#words.length; at += row, peer++)
        if (peer !== except) bits |= Atomics.load(this.#words, at);
      for (; bits !== 0; bits &= bits - 1) yield word * 32 + (31 - Math.clz32(bits & -bits));
    }
  }
}
