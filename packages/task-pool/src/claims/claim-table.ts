import {
  BEGUN,
  claimWord,
  FREE,
  MAX_SEQUENCE,
  OFFERED,
  SLOTS_PER_QUEUE,
  sequenceOf,
  stateOf,
  workerOf,
} from './claim-layout.js';

/** Bytes of memory that the claims of so many worker queues take. */
export function claimBytes(queues: number): number {
  return queues * SLOTS_PER_QUEUE * Int32Array.BYTES_PER_ELEMENT;
}

/** The claims of one client, in memory that it shares with its workers; see claim-layout.ts. */
export class ClaimTable {
  readonly #words: Int32Array;

  /** What lies from `offset` on is zeroed, or holds claims. */
  constructor(memory: ArrayBufferLike, offset = 0) {
    this.#words = new Int32Array(memory, offset);
  }

  /** Pool: offers the next task in a slot that is free or whose task is over; returns its sequence. */
  offer(slot: number): number {
    const sequence = (sequenceOf(this.#words[slot] as number) + 1) & MAX_SEQUENCE;
    // Pairs with the exchange in `begin`. No other process changes the word of a slot that is not offered.
    Atomics.store(this.#words, slot, claimWord(sequence, 0, OFFERED));
    return sequence;
  }

  /** Pool: takes an offer back; false when a worker has begun it. */
  recall(slot: number, sequence: number): boolean {
    const offered = claimWord(sequence, 0, OFFERED);
    // Pairs with the exchange in `begin`: exactly one of them finds OFFERED.
    return Atomics.compareExchange(this.#words, slot, offered, claimWord(sequence, 0, FREE)) === offered;
  }

  /** Worker: begins a task; false when the offer has been taken back, and the task must not run. */
  begin(slot: number, sequence: number, worker: number): boolean {
    const offered = claimWord(sequence, 0, OFFERED);
    // Pairs with the store in `offer` and the exchange in `recall`.
    return (
      Atomics.compareExchange(this.#words, slot, offered, claimWord(sequence, worker, BEGUN)) === offered
    );
  }

  /** Pool: whether the slot holds an offer that is neither begun nor taken back. A word that `offer` never writes is none. */
  isOffered(slot: number): boolean {
    // Pairs with the exchange in `begin`.
    const word = Atomics.load(this.#words, slot);
    return stateOf(word) === OFFERED && workerOf(word) === 0;
  }

  /**
   * Pool: whether the word of a task that has been sent is a possible one: offered, or begun by one of the workers from `first` to
   * `last`. Any other value is a stray write of some process.
   */
  isSound(slot: number, sequence: number, first: number, last: number): boolean {
    // Pairs with the exchange in `begin`.
    const word = Atomics.load(this.#words, slot);
    if (sequenceOf(word) !== sequence) return false;
    const worker = workerOf(word);
    const state = stateOf(word);
    return state === OFFERED ? worker === 0 : state === BEGUN && worker >= first && worker <= last;
  }

  /** The worker that has begun the task; undefined while none has. */
  begunBy(slot: number, sequence: number): number | undefined {
    // Pairs with the exchange in `begin`.
    const word = Atomics.load(this.#words, slot);
    return stateOf(word) === BEGUN && sequenceOf(word) === sequence ? workerOf(word) : undefined;
  }
}
