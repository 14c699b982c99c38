import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import { type SharedObjectOptions, segmentOfItsOwn } from '../segment/shared-object.js';
import { ExclusiveLock } from './exclusive-lock.js';
import { MUTEX_BYTES } from './layout.js';

/**
 * A mutex whose waiters spin for a fifth of a millisecond before they sleep: for sections of a few microseconds, on machines
 * with cores to spare. In all else a Mutex.
 */
export class SpinLock extends ExclusiveLock {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = MUTEX_BYTES;

  /** The spin lock at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is a free one. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    super(segment, byteOffset, own, SPINS);
  }

  static create(name: SegmentName, options: SharedObjectOptions = {}): SpinLock {
    return new SpinLock(segmentOfItsOwn.create(name, SHAPE, options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): SpinLock {
    return new SpinLock(segmentOfItsOwn.open(name, SHAPE, trust), 0, true);
  }

  static openOrCreate(name: SegmentName, options: SharedObjectOptions = {}): SpinLock {
    return new SpinLock(segmentOfItsOwn.openOrCreate(name, SHAPE, options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(): SpinLock {
    return new SpinLock(segmentOfItsOwn.anonymous(SHAPE), 0, true);
  }

  static fromDescriptor(fd: number): SpinLock {
    return new SpinLock(segmentOfItsOwn.fromDescriptor(fd, SHAPE), 0, true);
  }
}

/** Polls of the word before a sleep; about a fifth of a millisecond. */
const SPINS = 20_000;

const SHAPE = { kind: 'spin-lock', size: MUTEX_BYTES, owners: DEFAULT_SLOTS };
