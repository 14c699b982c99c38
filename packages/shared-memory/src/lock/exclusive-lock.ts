import { checkTimeout } from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import type { Segment } from '../segment/segment.js';
import { objectOffset } from '../segment/shared-object.js';
import { BUSY, GRANTED, type Grant, type LockAttempt, OWNER_DIED } from '../wait/lock-attempt.js';
import { type AsyncWaitOptions, checkBlocking, type WaitOptions } from '../wait/word-waits.js';
import { ABANDONED, CONTENDED, MUTEX_BYTES, OWNER_WORD, TOKEN_MASK } from './layout.js';
import { Lock, LockGuard, markContended } from './lock.js';

/**
 * What Mutex and SpinLock are: a word that holds its owner.
 *
 * The scheme is Drepper's second ("Futexes Are Tricky", 2011), with the owner's token in place of 1 and a bit in place
 * of 2: a thread that has slept locks with the mark, since others may sleep still.
 */
export abstract class ExclusiveLock extends Lock {
  readonly #words: Int32Array;
  readonly #lockAttempt: LockAttempt;
  readonly #spins: number | undefined;
  readonly #unlock = () => this.unlock();
  /** Through this object; another one of this thread may have the same token. */
  #held = false;

  protected constructor(segment: Segment, byteOffset: number, own: boolean, spins?: number) {
    const at = objectOffset(segment, byteOffset, MUTEX_BYTES);
    super(segment, own);
    this.#words = new Int32Array(segment.buffer, at, MUTEX_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#spins = spins;
    this.#lockAttempt = {
      words: this.#words,
      sleepWord: OWNER_WORD,
      try: (slept) => this.#attempt(slept),
      recover: (slept) => this.#recover(slept),
      prepare: () => markContended(this.#words, OWNER_WORD),
      giveUp: () => {},
    };
  }

  /**
   * Locks; BLOCKS this thread while another has it. Undefined when `timeout` (default Infinity) has passed: ETIMEDOUT
   * elsewhere. Throws `ERR_MILLRACE_LOCK_HELD` when this thread has it already.
   */
  lock(): LockGuard;
  lock(options: WaitOptions): LockGuard | undefined;
  lock(options: WaitOptions = {}): LockGuard | undefined {
    checkBlocking(options);
    if (options.timeout !== undefined) checkTimeout(options.timeout);
    const token = this.token || this.enter();
    // Pairs with the stores of unlock: what the last owner has written is seen.
    const seen = Atomics.compareExchange(this.#words, OWNER_WORD, 0, token);
    if (seen === 0) return this.#granted(false);
    if ((seen & TOKEN_MASK) === token) throw this.heldError('locked');
    return this.block(this.#lockAttempt, options, (ownerDied) => this.#granted(ownerDied), this.#spins);
  }

  /** Locks if no living thread owns it; undefined otherwise: EBUSY elsewhere. */
  tryLock(): LockGuard | undefined {
    return this.try(this.#lockAttempt, (ownerDied) => this.#granted(ownerDied));
  }

  /**
   * Locks without blocking; waits its turn also when another promise of this thread has it. Resolves with undefined
   * when `timeout` (default Infinity) has passed; rejects with the signal's reason, or `ERR_MILLRACE_CLOSED`.
   */
  lockAsync(options: AsyncWaitOptions & { timeout?: never }): Promise<LockGuard>;
  lockAsync(): Promise<LockGuard>;
  lockAsync(options: AsyncWaitOptions): Promise<LockGuard | undefined>;
  lockAsync(options: AsyncWaitOptions = {}): Promise<LockGuard | undefined> {
    return this.later(this.#lockAttempt, options, (ownerDied) => this.#granted(ownerDied));
  }

  /** Unlocks, as its guard does. Throws `ERR_MILLRACE_LOCK_NOT_HELD` when this thread does not have it. */
  unlock(): void {
    const { token } = this;
    this.#held = false;
    // Pairs with the compare-and-swap of the next owner.
    if (token === 0 || Atomics.compareExchange(this.#words, OWNER_WORD, token, 0) !== token)
      this.#unlockContended();
    this.queue.retrySoon();
  }

  /** Whether it has an owner, be it a dead one. */
  get locked(): boolean {
    if (this.closed) throw this.closedError();
    return Atomics.load(this.#words, OWNER_WORD) !== 0;
  }

  protected override giveUpAll(): void {
    if (!this.#held) return;
    this.#held = false;
    Atomics.store(this.#words, OWNER_WORD, ABANDONED);
    syscalls.futexWake(this.#words, OWNER_WORD, 1);
  }

  #granted(ownerDied: boolean): LockGuard {
    this.#held = true;
    return new LockGuard(ownerDied, this.#unlock);
  }

  #unlockContended(): void {
    const { token } = this;
    if (token === 0) throw this.notHeldError();
    // Only sleepers add to the word of a living owner, so what is not this thread's now stays another's.
    if ((Atomics.load(this.#words, OWNER_WORD) & TOKEN_MASK) !== token) throw this.notHeldError();
    Atomics.store(this.#words, OWNER_WORD, 0);
    syscalls.futexWake(this.#words, OWNER_WORD, 1);
  }

  #attempt(slept: boolean): Grant {
    if (Atomics.load(this.#words, OWNER_WORD) !== 0) return BUSY;
    const mine = slept ? this.token | CONTENDED : this.token;
    return Atomics.compareExchange(this.#words, OWNER_WORD, 0, mine) === 0 ? GRANTED : BUSY;
  }

  #recover(slept: boolean): Grant {
    const seen = Atomics.load(this.#words, OWNER_WORD);
    if (seen === 0) return this.#attempt(slept);
    if (this.owners.isAlive(seen & TOKEN_MASK)) return BUSY;
    // From that dead owner to this thread: a second thread finds a living one. Others may sleep on the word.
    const mine = this.token | CONTENDED;
    return Atomics.compareExchange(this.#words, OWNER_WORD, seen, mine) === seen ? OWNER_DIED : BUSY;
  }
}
