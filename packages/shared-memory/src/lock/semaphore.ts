import { syscalls } from '@millrace/native/syscalls';
import { SharedMemoryError } from '../errors.js';
import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import {
  objectOffset,
  type SharedObjectOptions,
  type SharedObjectShape,
  segmentOfItsOwn,
} from '../segment/shared-object.js';
import { BUSY, GRANTED, type Grant, type LockAttempt, OWNER_DIED } from '../wait/lock-attempt.js';
import type { AsyncWaitOptions, WaitOptions } from '../wait/word-waits.js';
import {
  ABANDONED,
  COUNT_WORD,
  PERMITS_WORD,
  RETURNED_WORD,
  semaphoreBytes,
  WAITING_WORD,
} from './layout.js';
import { Lock, LockGuard } from './lock.js';

const KIND = 'semaphore';
const MAX_PERMITS = 4096;
const WORD = Int32Array.BYTES_PER_ELEMENT;

/**
 * A number of permits for all threads of all processes; each has an owner or is free.
 *
 * Notes. A thread may have several. Only its owner gives a permit back. The permits of the dead are given back by a
 * waiter, whose guard says so. No order is promised among waiters.
 */
export class Semaphore extends Lock {
  readonly permits: number;
  readonly #words: Int32Array;
  readonly #lockAttempt: LockAttempt;
  /** Indices of the permits that were got through this object. */
  readonly #mine = new Set<number>();
  /** Of the last grant. */
  #got = 0;

  /** Bytes that one takes in a segment of the user's. */
  static bytes(permits: number): number {
    checkPermits(permits);
    return semaphoreBytes(permits);
  }

  /**
   * The semaphore at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is one
   * whose permits are all free. Throws `ERR_MILLRACE_SEMAPHORE_PERMITS` when it was first used with another number.
   */
  constructor(segment: Segment, byteOffset: number, permits: number, own = false) {
    super(segment, own);
    checkPermits(permits);
    const bytes = semaphoreBytes(permits);
    const at = objectOffset(segment, byteOffset, bytes);
    this.permits = permits;
    this.#words = new Int32Array(segment.buffer, at, bytes / WORD);
    const before = Atomics.compareExchange(this.#words, COUNT_WORD, 0, permits);
    if (before !== 0 && before !== permits)
      throw permitsError(`${permits} permits`, `this semaphore has ${before}`);
    this.#lockAttempt = {
      words: this.#words,
      sleepWord: RETURNED_WORD,
      try: (slept) => this.#attempt(slept),
      recover: (slept) => this.#recover(slept),
      prepare: () => this.#prepare(),
      giveUp: () => {},
    };
  }

  static create(name: SegmentName, permits: number, options: SharedObjectOptions = {}): Semaphore {
    return new Semaphore(segmentOfItsOwn.create(name, shape(permits), options), 0, permits, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): Semaphore {
    return over(segmentOfItsOwn.open(name, { kind: KIND }, trust));
  }

  /** Throws `ERR_MILLRACE_SEMAPHORE_PERMITS` when there is one with another number of permits. */
  static openOrCreate(name: SegmentName, permits: number, options: SharedObjectOptions = {}): Semaphore {
    const asked = shape(permits);
    return over(segmentOfItsOwn.openOrCreateOfAnySize(name, asked, options), permits);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(permits: number): Semaphore {
    return new Semaphore(segmentOfItsOwn.anonymous(shape(permits)), 0, permits, true);
  }

  static fromDescriptor(fd: number): Semaphore {
    return over(segmentOfItsOwn.fromDescriptor(fd, { kind: KIND }));
  }

  /** Gets a permit; BLOCKS this thread while there is none. Undefined when `timeout` (default Infinity) has passed. */
  acquire(): LockGuard;
  acquire(options: WaitOptions): LockGuard | undefined;
  acquire(options: WaitOptions = {}): LockGuard | undefined {
    if (this.token === 0) this.enter();
    return this.block(this.#lockAttempt, options, (ownerDied) => this.#granted(ownerDied));
  }

  /** Gets a permit if there is one, or one whose owner is dead; undefined otherwise. */
  tryAcquire(): LockGuard | undefined {
    return this.try(this.#lockAttempt, (ownerDied) => this.#granted(ownerDied));
  }

  /**
   * Gets a permit without blocking. Resolves with undefined when `timeout` (default Infinity) has passed; rejects with
   * the signal's reason, or `ERR_MILLRACE_CLOSED`.
   */
  acquireAsync(options: AsyncWaitOptions & { timeout?: never }): Promise<LockGuard>;
  acquireAsync(): Promise<LockGuard>;
  acquireAsync(options: AsyncWaitOptions): Promise<LockGuard | undefined>;
  acquireAsync(options: AsyncWaitOptions = {}): Promise<LockGuard | undefined> {
    return this.later(this.#lockAttempt, options, (ownerDied) => this.#granted(ownerDied));
  }

  /** Free permits; those of the dead count as taken until another thread waits for one. */
  get available(): number {
    if (this.closed) throw this.closedError();
    let free = 0;
    for (let i = 0; i < this.permits; i++) if (Atomics.load(this.#words, PERMITS_WORD + i) === 0) free++;
    return free;
  }

  protected override giveUpAll(): void {
    for (const index of this.#mine) this.#return(index, ABANDONED);
  }

  #granted(ownerDied: boolean): LockGuard {
    const index = this.#got;
    this.#mine.add(index);
    return new LockGuard(ownerDied, () => {
      if (this.closed || !this.#mine.has(index)) throw this.notHeldError();
      this.#return(index, 0);
      this.queue.retrySoon();
    });
  }

  #attempt(slept: boolean): Grant {
    const words = this.#words;
    for (let i = 0; i < this.permits; i++) {
      // From the last one on, which is likely to be free and in this core's cache.
      const index = (this.#got + i) % this.permits;
      if (Atomics.load(words, PERMITS_WORD + index) !== 0) continue;
      if (Atomics.compareExchange(words, PERMITS_WORD + index, 0, this.token) !== 0) continue;
      this.#got = index;
      // The waker has cleared the flag for all; others may sleep still.
      if (slept) Atomics.store(words, WAITING_WORD, 1);
      return GRANTED;
    }
    return BUSY;
  }

  #recover(slept: boolean): Grant {
    const granted = this.#attempt(slept);
    if (granted !== BUSY) return granted;
    const words = this.#words;
    for (let index = 0; index < this.permits; index++) {
      const owner = Atomics.load(words, PERMITS_WORD + index);
      if (owner === this.token || this.owners.isAlive(owner)) continue;
      if (Atomics.compareExchange(words, PERMITS_WORD + index, owner, this.token) !== owner) continue;
      this.#got = index;
      if (slept) Atomics.store(words, WAITING_WORD, 1);
      return owner === 0 ? GRANTED : OWNER_DIED;
    }
    return BUSY;
  }

  #prepare(): number {
    // In this order: the flag is cleared before RETURNED moves, so no thread sleeps behind a cleared flag.
    const returned = Atomics.load(this.#words, RETURNED_WORD);
    Atomics.store(this.#words, WAITING_WORD, 1);
    return returned;
  }

  #return(index: number, left: number): void {
    this.#mine.delete(index);
    const words = this.#words;
    // Pairs with the scan of a waiter, after its store of WAITING: it sees the permit, or the exchange sees WAITING.
    Atomics.store(words, PERMITS_WORD + index, left);
    if (Atomics.exchange(words, WAITING_WORD, 0) === 0) return;
    Atomics.add(words, RETURNED_WORD, 1);
    syscalls.futexWake(words, RETURNED_WORD * WORD, 1);
  }
}

/** A semaphore over a segment of its own, which says how many permits it has. */
function over(segment: Segment, expected?: number): Semaphore {
  const permits = new Int32Array(segment.buffer, segment.byteOffset, 1)[COUNT_WORD] as number;
  try {
    if (expected !== undefined && expected !== permits) {
      throw permitsError(`${expected} permits`, `this semaphore has ${permits}`);
    }
    return new Semaphore(segment, 0, permits, true);
  } catch (error) {
    segment.close();
    throw error;
  }
}

function permitsError(what: string, why: string): SharedMemoryError {
  return new SharedMemoryError('ERR_MILLRACE_SEMAPHORE_PERMITS', `${what}: ${why}.`);
}

function checkPermits(permits: number): void {
  if (Number.isInteger(permits) && permits >= 1 && permits <= MAX_PERMITS) return;
  throw permitsError(`${permits} permits`, `the number must be an integer from 1 to ${MAX_PERMITS}`);
}

function shape(permits: number): SharedObjectShape {
  return {
    kind: KIND,
    size: Semaphore.bytes(permits),
    owners: DEFAULT_SLOTS,
    initialise: ({ buffer, byteOffset }) => {
      new Int32Array(buffer, byteOffset, 1)[COUNT_WORD] = permits;
    },
  };
}
