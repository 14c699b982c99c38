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
import { ATOMIC_BYTES, LONG_WORD } from './layout.js';

const KIND = 'atomic-int64';

/**
 * A signed 64-bit number that threads and processes change atomically. It wraps; there is no waiting for it.
 *
 * Notes. What it returns is a bigint, always: a number could hold it only up to 2^53, and a counter that silently
 * stops counting there is worse than one that costs 50 ns more. What it takes may be a safe integer, too.
 */
export class AtomicInt64 extends SharedObject {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = ATOMIC_BYTES;
  readonly #values: BigInt64Array;

  /** The AtomicInt64 at `byteOffset` (a multiple of 8) of a segment of the user's; zeroed memory is one that holds 0. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    const at = objectOffset(segment, byteOffset, ATOMIC_BYTES);
    super(segment, own);
    this.#values = new BigInt64Array(segment.buffer, at, 1);
  }

  static create(
    name: SegmentName,
    value: bigint | number = 0n,
    options: SharedObjectOptions = {},
  ): AtomicInt64 {
    return new AtomicInt64(segmentOfItsOwn.create(name, shape(value), options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): AtomicInt64 {
    return new AtomicInt64(segmentOfItsOwn.open(name, { kind: KIND }, trust), 0, true);
  }

  /** `value` is that of a new one. */
  static openOrCreate(
    name: SegmentName,
    value: bigint | number = 0n,
    options: SharedObjectOptions = {},
  ): AtomicInt64 {
    return new AtomicInt64(segmentOfItsOwn.openOrCreate(name, shape(value), options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(value: bigint | number = 0n): AtomicInt64 {
    return new AtomicInt64(segmentOfItsOwn.anonymous(shape(value)), 0, true);
  }

  static fromDescriptor(fd: number): AtomicInt64 {
    return new AtomicInt64(segmentOfItsOwn.fromDescriptor(fd, { kind: KIND }), 0, true);
  }

  get(): bigint {
    this.#check();
    return Atomics.load(this.#values, LONG_WORD);
  }

  set(value: bigint | number): void {
    this.#check();
    Atomics.store(this.#values, LONG_WORD, long(value));
  }

  /** Adds, modulo 2^64; returns the new value. */
  add(value: bigint | number = 1n): bigint {
    this.#check();
    const operand = long(value);
    return BigInt.asIntN(64, Atomics.add(this.#values, LONG_WORD, operand) + operand);
  }

  /** Subtracts, modulo 2^64; returns the new value. */
  sub(value: bigint | number = 1n): bigint {
    this.#check();
    const operand = long(value);
    return BigInt.asIntN(64, Atomics.sub(this.#values, LONG_WORD, operand) - operand);
  }

  /** Sets it to `value` if it is `expected`; whether it was. */
  compareAndSet(expected: bigint | number, value: bigint | number): boolean {
    this.#check();
    const wanted = BigInt.asIntN(64, long(expected));
    return Atomics.compareExchange(this.#values, LONG_WORD, wanted, long(value)) === wanted;
  }

  protected override release(): void {}

  #check(): void {
    if (this.closed) throw this.closedError();
  }
}

function long(value: bigint | number): bigint {
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new SharedMemoryError(
    'ERR_MILLRACE_ATOMIC_VALUE',
    `${value} is no value of an AtomicInt64: it must be a bigint or an integer from -(2^53 - 1) to 2^53 - 1.`,
  );
}

function shape(value: bigint | number): SharedObjectShape {
  const first = long(value);
  return {
    kind: KIND,
    size: ATOMIC_BYTES,
    owners: 0,
    initialise: ({ buffer, byteOffset }) => {
      new BigInt64Array(buffer, byteOffset, 1)[LONG_WORD] = first;
    },
  };
}
