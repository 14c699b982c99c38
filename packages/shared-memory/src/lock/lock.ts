import { checkTimeout } from '@millrace/channel';
import { LOOK_MS } from '../constants.js';
import { SharedMemoryError } from '../errors.js';
import type { OwnerRegistry } from '../owner/registry.js';
import type { Segment } from '../segment/segment.js';
import { Resident } from '../segment/shared-object.js';
import { acquire, BUSY, type Contender, OWNER_DIED } from '../wait/lock-attempt.js';
import { WaitQueue } from '../wait/wait-queue.js';
import { type AsyncWaitOptions, checkAsync, checkBlocking, type WaitOptions } from '../wait/word-waits.js';
import { CONTENDED } from './layout.js';

/** What was got: gives it back once, with `unlock` or at the end of a `using` block. */
export class LockGuard implements Disposable {
  /** Whether the last owner died with it: what it protects may be half changed. */
  readonly ownerDied: boolean;
  #unlock: (() => void) | undefined;

  /** @internal */
  constructor(ownerDied: boolean, unlock: () => void) {
    this.ownerDied = ownerDied;
    this.#unlock = unlock;
  }

  /** Gives it back; idempotent. Throws `ERR_MILLRACE_LOCK_NOT_HELD` when it was given back behind the guard's back. */
  unlock(): void {
    const unlock = this.#unlock;
    this.#unlock = undefined;
    unlock?.();
  }

  [Symbol.dispose](): void {
    this.unlock();
  }
}

/** What all locks share: a token of this thread, waiting in it and waiting in promises. */
export abstract class Lock extends Resident {
  protected readonly owners: OwnerRegistry;
  protected readonly queue = new WaitQueue();
  /** The token of this thread; 0 until it is needed, and after the end. */
  protected token = 0;
  /** When `try` last looked at the owner. */
  #looked = Number.NEGATIVE_INFINITY;

  protected constructor(segment: Segment, own: boolean) {
    super(segment, own);
    this.owners = segment.owners;
  }

  /** Claims the token. Throws `ERR_MILLRACE_CLOSED`. */
  protected enter(): number {
    if (this.closed) throw this.closedError();
    this.token = this.owners.claim();
    return this.token;
  }

  /** Tries, without waiting; takes it from an owner that is dead, for which it looks at most every LOOK_MS. */
  protected try<T>(contender: Contender, granted: (ownerDied: boolean) => T): T | undefined {
    if (this.token === 0) this.enter();
    let grant = contender.attempt(false);
    if (grant === BUSY) {
      const now = performance.now();
      if (now - this.#looked >= LOOK_MS) {
        this.#looked = now;
        grant = contender.recover(false);
      }
    }
    if (grant !== BUSY) return granted(grant === OWNER_DIED);
    contender.giveUp();
    return undefined;
  }

  /** Waits in this thread. */
  protected block<T>(
    contender: Contender,
    options: WaitOptions,
    granted: (ownerDied: boolean) => T,
    spins?: number,
  ): T | undefined {
    checkBlocking(options);
    const { timeout = Number.POSITIVE_INFINITY } = options;
    checkTimeout(timeout);
    const first = contender.attempt(false);
    if (first !== BUSY) return granted(first === OWNER_DIED);
    const grant = acquire(contender, performance.now() + timeout, spins);
    return grant === BUSY ? undefined : granted(grant === OWNER_DIED);
  }

  /** Waits in a promise. */
  protected async later<T>(
    contender: Contender,
    options: AsyncWaitOptions,
    granted: (ownerDied: boolean) => T,
  ): Promise<T | undefined> {
    checkAsync(options);
    if (this.token === 0) this.enter();
    return this.queue.wait(contender, options, granted);
  }

  protected override release(): void {
    this.queue.close(this.closedError());
    this.giveUpAll();
    this.token = 0;
  }

  /** Leaves what this object has to the next one, who is told that its owner is gone. */
  protected abstract giveUpAll(): void;

  protected heldError(what: string): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_LOCK_HELD',
      `This thread has the ${this.segment.kind} already, ${what}; waiting for it would wait for ever. Unlock it ` +
        'first, or wait with the asynchronous form.',
    );
  }

  protected notHeldError(): SharedMemoryError {
    if (this.closed) return this.closedError();
    return new SharedMemoryError(
      'ERR_MILLRACE_LOCK_NOT_HELD',
      `This thread does not have the ${this.segment.kind} that it wants to unlock: only its owner can.`,
    );
  }
}

/** Marks a word that somebody owns as slept on; returns the value to sleep on, 0 when nobody owns it any more. */
export function markContended(words: Int32Array, index: number): number {
  for (;;) {
    const seen = Atomics.load(words, index);
    if (seen === 0 || (seen & CONTENDED) !== 0) return seen;
    // Pairs with the exchange of whoever unlocks: it finds the mark and wakes, or this finds another value.
    if (Atomics.compareExchange(words, index, seen, seen | CONTENDED) === seen) return seen | CONTENDED;
  }
}
