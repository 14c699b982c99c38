import { SharedMemoryError } from '../errors.js';
import * as layout from './layout.js';
import type { TableMemory } from './memory.js';
import { exchange, publish, put } from './stores.js';

/** The owners of locks: see OwnerRegistry. */
export interface Owners {
  claim(): number;
  isAlive(token: number): boolean;
  release(): void;
}

/** Polls of a lock that is held, before sleeping: a few microseconds, longer than a writer at work needs. */
const SPINS = 100;
/** Milliseconds of a sleep while a lock is held. Sleepers are not woken: that would cost every unlock a check for waiters. */
const FIRST_NAP_MS = 0.05;
const LONGEST_NAP_MS = 2;
/** Milliseconds between two checks that the owner lives; each reads a file. */
const ALIVE_EVERY_MS = 10;

const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * The locks of the stripes, and the counters they guard. A lock is a word that holds its owner's token, put there in
 * one step, so its owner is known from the first moment. It is taken over from an owner that is dead, never from one
 * that lives.
 */
export class Stripes {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #mask: number;
  readonly #owners: Owners;
  readonly #token: number;
  readonly #timeoutMs: number;
  readonly #recover: (stripe: number) => void;

  /** `recover` repairs what a dead owner of a stripe was doing; it is called by the one that has the lock now. */
  constructor(
    { words, layout: { stripesAt, stripes } }: TableMemory,
    { owners, timeoutMs, recover }: StripesOptions,
  ) {
    this.#words = words;
    this.#at = stripesAt;
    this.#mask = stripes - 1;
    this.#owners = owners;
    this.#token = owners.claim();
    this.#timeoutMs = timeoutMs;
    this.#recover = recover;
  }

  get count(): number {
    return this.#mask + 1;
  }

  /** The stripe of a key with this hash. */
  of(hash: number): number {
    return hash & this.#mask;
  }

  /** The word at which a stripe starts. */
  at(stripe: number): number {
    return this.#at + stripe * layout.STRIPE_WORDS;
  }

  /** Throws `ERR_MILLRACE_TABLE_BUSY` when a living owner does not let go in time. */
  lock(stripe: number): void {
    // Pairs with the store in `unlock`: what its owner wrote is seen.
    if (exchange(this.#words, this.at(stripe) + layout.LOCK, 0, this.#token) !== 0) this.#wait(stripe);
  }

  tryLock(stripe: number): boolean {
    return exchange(this.#words, this.at(stripe) + layout.LOCK, 0, this.#token) === 0;
  }

  unlock(stripe: number): void {
    // Pairs with the exchanges in `lock` and `tryLock`.
    publish(this.#words, this.at(stripe) + layout.LOCK, 0);
  }

  /** Adds 1 to a counter of a stripe whose lock this thread has. */
  increment(stripe: number, counter: number): void {
    const at = this.at(stripe) + counter;
    put(this.#words, at, ((this.#words[at] ?? 0) + 1) | 0);
  }

  /** The sum of a counter over all stripes, modulo 2^32. */
  sum(counter: number): number {
    let sum = 0;
    for (let stripe = 0; stripe <= this.#mask; stripe++) {
      sum = (sum + Atomics.load(this.#words, this.at(stripe) + counter)) | 0;
    }
    return sum >>> 0;
  }

  /** Repairs the stripes whose owners died and that no thread has wanted since; returns how many. */
  recoverDead(): number {
    let recovered = 0;
    for (let stripe = 0; stripe <= this.#mask; stripe++) {
      const owner = Atomics.load(this.#words, this.at(stripe) + layout.LOCK);
      if (owner === 0 || !this.#takeFromDead(stripe, owner)) continue;
      this.unlock(stripe);
      recovered++;
    }
    return recovered;
  }

  #wait(stripe: number): void {
    const at = this.at(stripe) + layout.LOCK;
    const start = performance.now();
    let alive = Number.NEGATIVE_INFINITY;
    for (let ms = FIRST_NAP_MS; ; ms = Math.min(2 * ms, LONGEST_NAP_MS)) {
      for (let i = 0; i < SPINS; i++) {
        if (Atomics.load(this.#words, at) === 0 && this.tryLock(stripe)) return;
      }
      const now = performance.now();
      if (now - alive >= ALIVE_EVERY_MS) {
        const owner = Atomics.load(this.#words, at);
        if (owner !== 0 && this.#takeFromDead(stripe, owner)) return;
        if (now - start >= this.#timeoutMs) this.#busy(stripe, owner);
        alive = now;
      }
      Atomics.wait(nap, 0, 0, ms);
    }
  }

  /** Takes the lock and repairs the stripe, when its owner is dead. */
  #takeFromDead(stripe: number, owner: number): boolean {
    // Found under this thread's own token: an exception (of an exhausted stack, say) ended a change half-way.
    if (owner !== this.#token && this.#owners.isAlive(owner)) return false;
    const at = this.at(stripe);
    if (exchange(this.#words, at + layout.LOCK, owner, this.#token) !== owner) return false;
    this.#recover(stripe);
    this.increment(stripe, layout.RECOVERED);
    return true;
  }

  #busy(stripe: number, owner: number): never {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_BUSY',
      `A row could not be changed for ${this.#timeoutMs} ms: stripe ${stripe} is locked by owner ${owner}, which ` +
        'lives. It is stopped or starved; nothing has been changed. The limit is the option lockTimeout.',
    );
  }
}

export interface StripesOptions {
  readonly owners: Owners;
  readonly timeoutMs: number;
  readonly recover: (stripe: number) => void;
}
