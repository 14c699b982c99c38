import { checkTimeout } from '@millrace/channel';
import { OWNER_CHECK_MS } from '../constants.js';
import { SharedMemoryError } from '../errors.js';
import type { OwnerRegistry } from '../owner/registry.js';
import type { Segment } from '../segment/segment.js';
import { SharedObject } from '../segment/shared-object.js';
import { acquire, BUSY, type LockAttempt, OWNER_DIED } from '../wait/lock-attempt.js';
import { WaitQueue } from '../wait/wait-queue.js';
import { type AsyncWaitOptions, checkAsync, checkBlocking, type WaitOptions } from '../wait/word-waits.js';
import { CONTENDED } from './layout.js';

/** A held lock: releases it once, with `unlock` or at the end of a `using` block. */
export class LockGuard implements Disposable {
  /** Whether the last owner died with it: what it protects may be half changed. */
  readonly ownerDied: boolean;
  #unlock: (() => void) | undefined;

  /** @internal */
  constructor(ownerDied: boolean, unlock: () => void) {
    this.ownerDied = ownerDied;
    this.#unlock = unlock;
  }

  /** Releases it; idempotent. Throws `ERR_MILLRACE_LOCK_NOT_HELD` when it was released by other means. */
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
export abstract class Lock extends SharedObject {
  protected readonly owners: OwnerRegistry;
  protected readonly queue = new WaitQueue();
  /** The token of this thread; 0 until it is needed, and after the end. */
  protected token = 0;
  /** When `try` last checked that the owner lives. */
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

  /** Tries, without waiting; takes it from an owner that is dead, which it checks at most every OWNER_CHECK_MS. */
  protected try<T>(attempt: LockAttempt, granted: (ownerDied: boolean) => T): T | undefined {
    if (this.token === 0) this.enter();
    let grant = attempt.try(false);
    if (grant === BUSY) {
      const now = performance.now();
      if (now - this.#looked >= OWNER_CHECK_MS) {
        this.#looked = now;
        grant = attempt.recover(false);
      }
    }
    if (grant !== BUSY) return granted(grant === OWNER_DIED);
    attempt.giveUp();
    return undefined;
  }

  /** Waits in this thread. */
  protected block<T>(
    attempt: LockAttempt,
    options: WaitOptions,
    granted: (ownerDied: boolean) => T,
    spins?: number,
  ): T | undefined {
    checkBlocking(options);
    const { timeout = Number.POSITIVE_INFINITY } = options;
    checkTimeout(timeout);
    const first = attempt.try(false);
    if (first !== BUSY) return granted(first === OWNER_DIED);
    const grant = acquire(attempt, performance.now() + timeout, spins);
    return grant === BUSY ? undefined : granted(grant === OWNER_DIED);
  }

  /** Waits in a promise. */
  protected async later<T>(
    attempt: LockAttempt,
    options: AsyncWaitOptions,
    granted: (ownerDied: boolean) => T,
  ): Promise<T | undefined> {
    checkAsync(options);
    if (this.token === 0) this.enter();
    return this.queue.wait(attempt, options, granted);
  }

  protected override release(): void {
    this.queue.close(this.closedError());
    this.giveUpAll();
    this.token = 0;
  }

  /** Leaves what this object owns to the next owner, whose guard says that the last one is gone. */
  protected abstract giveUpAll(): void;

  protected heldError(what: string): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_LOCK_HELD',
      `This thread owns the ${this.segment.kind} already, ${what}, so waiting for it would never end. Unlock it first, or ` +
        'wait with the asynchronous form.',
    );
  }

  protected notHeldError(): SharedMemoryError {
    if (this.closed) return this.closedError();
    return new SharedMemoryError(
      'ERR_MILLRACE_LOCK_NOT_HELD',
      `This thread does not own the ${this.segment.kind}: only its owner can unlock it.`,
    );
  }
}

/** Marks an owned word as slept on; returns the value to sleep on, 0 when it has no owner any more. */
export function markContended(words: Int32Array, index: number): number {
  for (;;) {
    const seen = Atomics.load(words, index);
    if (seen === 0 || (seen & CONTENDED) !== 0) return seen;
    // Pairs with the exchange of the unlocking thread: it finds the mark and wakes, or this finds another value.
    if (Atomics.compareExchange(words, index, seen, seen | CONTENDED) === seen) return seen | CONTENDED;
  }
}
