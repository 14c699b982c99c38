import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { Segment } from '../segment/segment.js';
import { namedObjects, objectOffset } from '../segment/shared-object.js';
import { GRANTED } from '../wait/lock-attempt.js';
import { type AsyncWaitOptions, checkBlocking, type WaitOptions } from '../wait/word-waits.js';
import { readWriteLockBytes } from './layout.js';
import { Lock, LockGuard } from './lock.js';
import { ReadWriteCore } from './read-write-core.js';

const SHAPE = { kind: 'read-write-lock', size: readWriteLockBytes(DEFAULT_SLOTS), owners: DEFAULT_SLOTS };
const readWriteLocks = namedObjects(SHAPE, (segment) => new ReadWriteLock(segment, 0, true));

/**
 * Many readers or one writer, of all threads of all processes.
 *
 * Notes. A waiting writer keeps new readers out, except where their thread reads already; writers can starve readers.
 * Not recursive for writers; the reads of one thread are counted together. A writer that dies leaves the lock to the
 * next one, reader or writer, with `ownerDied: true`; a reader that dies counts no more.
 */
export class ReadWriteLock extends Lock {
  readonly #core: ReadWriteCore;
  readonly #unlock = () => this.unlock();
  readonly #unlockShared = () => this.unlockShared();
  #writing = false;
  /** Of this object; the mark counts those of all objects of this thread. */
  #reads = 0;

  /** Bytes that one takes in a segment of the user's with as many owners. */
  static bytes(owners: number): number {
    return readWriteLockBytes(owners);
  }

  /** The lock at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is a free one. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    super(segment, own);
    const bytes = readWriteLockBytes(this.owners.slots);
    const at = objectOffset(segment, byteOffset, bytes);
    const words = new Int32Array(segment.buffer, at, bytes / Int32Array.BYTES_PER_ELEMENT);
    this.#core = new ReadWriteCore(words, this.owners);
  }

  static readonly create = readWriteLocks.create;
  static readonly open = readWriteLocks.open;
  static readonly openOrCreate = readWriteLocks.openOrCreate;
  /** Handed on as `segment.descriptor`. */
  static readonly anonymous = readWriteLocks.anonymous;
  static readonly fromDescriptor = readWriteLocks.fromDescriptor;

  /**
   * Locks for writing; BLOCKS this thread. Undefined when `timeout` (default Infinity) has passed. Throws
   * `ERR_MILLRACE_LOCK_HELD` when this thread reads or writes, or waits to write.
   */
  lock(): LockGuard;
  lock(options: WaitOptions): LockGuard | undefined;
  lock(options: WaitOptions = {}): LockGuard | undefined {
    this.#refuseOwnWriter();
    if (this.#core.ownReads > 0) throw this.heldError('for reading');
    return this.block(this.#core.writer, options, (ownerDied) => this.#grantedWrite(ownerDied));
  }

  /** Locks for writing if no living thread has it; undefined otherwise. */
  tryLock(): LockGuard | undefined {
    // A promise of this thread that waits to write goes on waiting.
    if (this.#core.pending) return undefined;
    return this.try(this.#core.writer, (ownerDied) => this.#grantedWrite(ownerDied));
  }

  /** Locks for writing without blocking, as `Mutex.lockAsync` does. */
  lockAsync(options: AsyncWaitOptions & { timeout?: never }): Promise<LockGuard>;
  lockAsync(): Promise<LockGuard>;
  lockAsync(options: AsyncWaitOptions): Promise<LockGuard | undefined>;
  lockAsync(options: AsyncWaitOptions = {}): Promise<LockGuard | undefined> {
    return this.later(this.#core.writer, options, (ownerDied) => this.#grantedWrite(ownerDied));
  }

  /** Locks for reading; BLOCKS this thread while another writes or waits to. As `lock` in all else. */
  lockShared(): LockGuard;
  lockShared(options: WaitOptions): LockGuard | undefined;
  lockShared(options: WaitOptions = {}): LockGuard | undefined {
    checkBlocking(options);
    if (this.token === 0) this.enter();
    if (this.#core.attemptRead() === GRANTED) return this.#grantedRead(false);
    this.#refuseOwnWriter();
    return this.block(this.#core.reader, options, (ownerDied) => this.#grantedRead(ownerDied));
  }

  /** Locks for reading if no living thread writes or waits to; undefined otherwise. */
  tryLockShared(): LockGuard | undefined {
    return this.try(this.#core.reader, (ownerDied) => this.#grantedRead(ownerDied));
  }

  /** Locks for reading without blocking. */
  lockSharedAsync(options: AsyncWaitOptions & { timeout?: never }): Promise<LockGuard>;
  lockSharedAsync(): Promise<LockGuard>;
  lockSharedAsync(options: AsyncWaitOptions): Promise<LockGuard | undefined>;
  lockSharedAsync(options: AsyncWaitOptions = {}): Promise<LockGuard | undefined> {
    return this.later(this.#core.reader, options, (ownerDied) => this.#grantedRead(ownerDied));
  }

  /** Ends the writing. Throws `ERR_MILLRACE_LOCK_NOT_HELD` when this object does not write. */
  unlock(): void {
    if (!this.#writing) throw this.notHeldError();
    this.#writing = false;
    this.#core.endWrite(true);
    this.queue.retrySoon();
  }

  /** Ends one read. Throws `ERR_MILLRACE_LOCK_NOT_HELD` when this object does not read. */
  unlockShared(): void {
    if (this.#reads === 0) throw this.notHeldError();
    this.#reads--;
    this.#core.leave(1);
    this.queue.retrySoon();
  }

  protected override giveUpAll(): void {
    if (this.#writing) {
      this.#writing = false;
      this.#core.endWrite(false);
    }
    if (this.#reads > 0) this.#core.leave(this.#reads);
    this.#reads = 0;
  }

  protected override enter(): number {
    const token = super.enter();
    this.#core.enter(token);
    return token;
  }

  #grantedRead(ownerDied: boolean): LockGuard {
    this.#reads++;
    return new LockGuard(ownerDied, this.#unlockShared);
  }

  #grantedWrite(ownerDied: boolean): LockGuard {
    this.#writing = true;
    return new LockGuard(ownerDied, this.#unlock);
  }

  #refuseOwnWriter(): void {
    if (this.token === 0) this.enter();
    if (this.#core.writerIsOwn) throw this.heldError('for writing');
  }
}
