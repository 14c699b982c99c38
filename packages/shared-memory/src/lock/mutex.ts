import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import { type SharedObjectOptions, segmentOfItsOwn } from '../segment/shared-object.js';
import { ExclusiveLock } from './exclusive-lock.js';
import { MUTEX_BYTES } from './layout.js';

/**
 * One owner at a time, of all threads of all processes. Without contention, locking and unlocking cost no system
 * call.
 *
 * Notes. Not recursive; only the owner unlocks; no order is promised among waiters. An owner that has died, at
 * any instruction, is found by a waiter, which then gets the lock with `ownerDied: true`. It is never taken from a
 * thread that lives, be it stopped.
 */
export class Mutex extends ExclusiveLock {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = MUTEX_BYTES;

  /** The mutex at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is a free one. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    super(segment, byteOffset, own);
  }

  static create(name: SegmentName, options: SharedObjectOptions = {}): Mutex {
    return new Mutex(segmentOfItsOwn.create(name, SHAPE, options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): Mutex {
    return new Mutex(segmentOfItsOwn.open(name, SHAPE, trust), 0, true);
  }

  static openOrCreate(name: SegmentName, options: SharedObjectOptions = {}): Mutex {
    return new Mutex(segmentOfItsOwn.openOrCreate(name, SHAPE, options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(): Mutex {
    return new Mutex(segmentOfItsOwn.anonymous(SHAPE), 0, true);
  }

  static fromDescriptor(fd: number): Mutex {
    return new Mutex(segmentOfItsOwn.fromDescriptor(fd, SHAPE), 0, true);
  }
}

const SHAPE = { kind: 'mutex', size: MUTEX_BYTES, owners: DEFAULT_SLOTS };
