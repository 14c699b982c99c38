import { randomBytes } from 'node:crypto';
import { hashBytes } from './request-fields.js';

/**
 * Which worker has what a client names in its requests, as the stick table of a proxy. In memory of the master's that all reactor
 * threads share; each writes to its own part of it alone, and looks into all.
 *
 *   word   0       1       2 …
 *         ┌───────┬───────┬──────────────────────────┬──── … ─┐
 *         │ SEED  │ SEED  │ entries of reactor 0     │ of 1   │   in sets of WAYS; a key may lie in one set alone
 *         └───────┴───────┴──────────────────────────┴──── … ─┘
 *   entry ┌───────┬───────┬──────────┬──────────┐
 *         │ HASH  │ HASH  │ WORKER+1 │ USED_AT  │   WORKER+1 is 0 while the others change; USED_AT: seconds
 *         └───────┴───────┴──────────┴──────────┘
 *
 * It is bounded: where a set is full, what has been asked for least lately makes room. A key that is not there says nothing: its
 * request goes where its connection does.
 */
const SEED_WORDS = 2;
const ENTRY_WORDS = 4;
const WAYS = 8;
const FIRST_HASH = 0;
const SECOND_HASH = 1;
const WORKER = 2;
const USED_AT = 3;

/** Keys of one reactor; clients that poll may have fewer connections than sessions. */
const LEAST_KEYS = 1 << 14;
const MOST_KEYS = 1 << 20;

const keysFor = (maxConnections: number): number =>
  Math.min(Math.max(LEAST_KEYS, 2 ** Math.ceil(Math.log2(maxConnections * 2))), MOST_KEYS);

export class StickTable {
  readonly #words: Int32Array;
  readonly #reactors: number;
  readonly #reactor: number;
  /** Words of one reactor's part. */
  readonly #part: number;
  readonly #sets: number;

  /** For so many reactor threads. */
  static memory(reactors: number, maxConnections: number): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(4 * (SEED_WORDS + reactors * keysFor(maxConnections) * ENTRY_WORDS));
    new Uint8Array(memory).set(randomBytes(4 * SEED_WORDS));
    return memory;
  }

  /** As reactor thread `reactor` of `reactors` sees it. */
  constructor(memory: SharedArrayBuffer, reactors: number, reactor: number) {
    this.#words = new Int32Array(memory);
    this.#reactors = reactors;
    this.#reactor = reactor;
    this.#part = (this.#words.length - SEED_WORDS) / reactors;
    this.#sets = this.#part / (ENTRY_WORDS * WAYS);
  }

  /** Notes that `worker` has what these bytes name. */
  set(bytes: Uint8Array, start: number, end: number, worker: number): void {
    const words = this.#words;
    const first = this.#hash(bytes, start, end, 0);
    const second = this.#hash(bytes, start, end, 1);
    const set = this.#setAt(this.#reactor, first);
    let at = set;
    for (let entry = set; entry < set + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
      if (words[entry + FIRST_HASH] === first && words[entry + SECOND_HASH] === second) {
        at = entry;
        break;
      }
      if (this.#age(entry) < this.#age(at)) at = entry;
    }
    Atomics.store(words, at + WORKER, 0);
    Atomics.store(words, at + FIRST_HASH, first);
    Atomics.store(words, at + SECOND_HASH, second);
    Atomics.store(words, at + USED_AT, seconds());
    Atomics.store(words, at + WORKER, worker + 1);
  }

  /** The worker that has what these bytes name, or -1. */
  get(bytes: Uint8Array, start: number, end: number): number {
    const words = this.#words;
    const first = this.#hash(bytes, start, end, 0);
    const second = this.#hash(bytes, start, end, 1);
    for (let reactor = 0; reactor < this.#reactors; reactor++) {
      const set = this.#setAt(reactor, first);
      for (let entry = set; entry < set + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
        if (Atomics.load(words, entry + FIRST_HASH) !== first) continue;
        const worker = Atomics.load(words, entry + WORKER);
        if (worker === 0 || Atomics.load(words, entry + SECOND_HASH) !== second) continue;
        // Its writer may have been replacing it.
        if (Atomics.load(words, entry + FIRST_HASH) !== first || words[entry + WORKER] !== worker) continue;
        Atomics.store(words, entry + USED_AT, seconds());
        return worker - 1;
      }
    }
    return -1;
  }

  /** When the entry was used last; before all others where it is free. */
  #age(entry: number): number {
    return this.#words[entry + WORKER] === 0 ? -1 : (this.#words[entry + USED_AT] as number);
  }

  #setAt(reactor: number, hash: number): number {
    return SEED_WORDS + reactor * this.#part + ((hash >>> 0) % this.#sets) * WAYS * ENTRY_WORDS;
  }

  #hash(bytes: Uint8Array, start: number, end: number, which: 0 | 1): number {
    return hashBytes(bytes, start, end, this.#words[which] as number) | 0;
  }
}

const seconds = (): number => Math.floor(performance.now() / 1_000);
