import { syscalls } from '@millrace/native/syscalls';
import { SharedMemoryError } from '../errors.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import {
  objectOffset,
  SharedObject,
  type SharedObjectOptions,
  type SharedObjectShape,
  segmentOfItsOwn,
} from '../segment/shared-object.js';
import {
  type AsyncWaitOptions,
  checkAsync,
  checkBlocking,
  type WaitOptions,
  WordWaits,
} from '../wait/word-waits.js';
import { ATOMIC_BYTES, VALUE_WORD } from './layout.js';

const KIND = 'atomic-uint32';
const MAX_VALUE = 2 ** 32 - 1;
/** As Swoole's, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 1_000;

/**
 * An unsigned 32-bit number that threads and processes change atomically, and can wait for.
 *
 * Notes. `wait` consumes a 1: of several waiters that are woken one gets it, and the others go on waiting. Only `wake` wakes;
 * `set`, `add` and the others change the number and nothing else. `wait` blocks the thread, `waitAsync` does not.
 */
export class AtomicUint32 extends SharedObject {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = ATOMIC_BYTES;
  readonly #words: Int32Array;
  readonly #values: Uint32Array;
  readonly #waits: WordWaits;
  /** Makes a 1 a 0: true. False for any other value than these, undefined for a 0. */
  readonly #consume = () => {
    this.#check();
    const seen = Atomics.compareExchange(this.#values, VALUE_WORD, 1, 0);
    return seen === 0 ? undefined : seen === 1;
  };

  /** The AtomicUint32 at `byteOffset` (a multiple of 8) of a segment of the user's; zeroed memory is one that holds 0. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    const at = objectOffset(segment, byteOffset, ATOMIC_BYTES);
    super(segment, own);
    this.#words = new Int32Array(segment.buffer, at, 1);
    this.#values = new Uint32Array(segment.buffer, at, 1);
    this.#waits = new WordWaits(this.#words);
  }

  static create(name: SegmentName, value = 0, options: SharedObjectOptions = {}): AtomicUint32 {
    return new AtomicUint32(segmentOfItsOwn.create(name, shape(value), options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): AtomicUint32 {
    return new AtomicUint32(segmentOfItsOwn.open(name, { kind: KIND }, trust), 0, true);
  }

  /** `value` is that of a new one. */
  static openOrCreate(name: SegmentName, value = 0, options: SharedObjectOptions = {}): AtomicUint32 {
    return new AtomicUint32(segmentOfItsOwn.openOrCreate(name, shape(value), options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(value = 0): AtomicUint32 {
    return new AtomicUint32(segmentOfItsOwn.anonymous(shape(value)), 0, true);
  }

  static fromDescriptor(fd: number): AtomicUint32 {
    return new AtomicUint32(segmentOfItsOwn.fromDescriptor(fd, { kind: KIND }), 0, true);
  }

  get(): number {
    this.#check();
    return Atomics.load(this.#values, VALUE_WORD);
  }

  /** Takes the value modulo 2^32. */
  set(value: number): void {
    this.#check();
    Atomics.store(this.#values, VALUE_WORD, value);
  }

  /** Adds, modulo 2^32; returns the new value. */
  add(value = 1): number {
    this.#check();
    return (Atomics.add(this.#values, VALUE_WORD, value) + value) >>> 0;
  }

  /** Subtracts, modulo 2^32; returns the new value. */
  sub(value = 1): number {
    this.#check();
    return (Atomics.sub(this.#values, VALUE_WORD, value) - value) >>> 0;
  }

  /** Sets it to `value` if it is `expected`; whether it was. */
  compareAndSet(expected: number, value: number): boolean {
    this.#check();
    return Atomics.compareExchange(this.#values, VALUE_WORD, expected, value) === expected >>> 0;
  }

  /**
   * Waits for a 1 and makes it 0. BLOCKS this thread while the value is 0. False after `timeout` (default 1,000 ms), and
   * at once when the value is neither 0 nor 1.
   */
  wait(options: WaitOptions = {}): boolean {
    checkBlocking(options);
    const { timeout = DEFAULT_TIMEOUT_MS } = options;
    return this.#waits.block(0, this.#consume, timeout);
  }

  /** As `wait`, without blocking. Rejects with the signal's reason, or `ERR_MILLRACE_CLOSED`. */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<boolean> {
    checkAsync(options);
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options;
    this.#check();
    return this.#waits.wait(0, this.#consume, { timeout, ...(signal && { signal }) });
  }

  /**
   * Makes a 0 a 1 and wakes one waiter, which makes it 0 again; leaves anything else as it is. Always true, as
   * Swoole's `wakeup`. To let all waiters pass, use a `Gate`.
   */
  wake(): true {
    this.#check();
    if (Atomics.compareExchange(this.#words, VALUE_WORD, 0, 1) === 0) syscalls.futexWake(this.#words, 0, 1);
    return true;
  }

  protected override release(): void {
    this.#waits.rejectAll(this.closedError());
  }

  #check(): void {
    if (this.closed) throw this.closedError();
  }
}

function shape(value: number): SharedObjectShape {
  if (!Number.isInteger(value) || value < 0 || value > MAX_VALUE) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_ATOMIC_VALUE',
      `${value} is no value of an AtomicUint32: it must be an integer from 0 to ${MAX_VALUE}.`,
    );
  }
  return {
    kind: KIND,
    size: ATOMIC_BYTES,
    owners: 0,
    initialise: ({ buffer, byteOffset }) => {
      new Uint32Array(buffer, byteOffset, 1)[VALUE_WORD] = value;
    },
  };
}
