import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import { ownSegment, type ResidentOptions } from '../segment/shared-object.js';
import { ExclusiveLock } from './exclusive-lock.js';
import { MUTEX_BYTES } from './layout.js';

/**
 * One owner at a time, of all threads of all processes. Locking and unlocking what nobody else wants costs no system
 * call.
 *
 * Notes. Not recursive; only the owner unlocks; no order is promised among those who wait. An owner that has died, at
 * any instruction, is found by who waits, who then gets the lock with `ownerDied: true`. It is never taken from a
 * thread that lives, be it stopped.
 */
export class Mutex extends ExclusiveLock {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = MUTEX_BYTES;

  /** The mutex at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is a free one. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    super(segment, byteOffset, own);
  }

  static create(name: SegmentName, options: ResidentOptions = {}): Mutex {
    return new Mutex(ownSegment.create(name, SHAPE, options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): Mutex {
    return new Mutex(ownSegment.open(name, SHAPE, trust), 0, true);
  }

  static openOrCreate(name: SegmentName, options: ResidentOptions = {}): Mutex {
    return new Mutex(ownSegment.openOrCreate(name, SHAPE, options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(): Mutex {
    return new Mutex(ownSegment.anonymous(SHAPE), 0, true);
  }

  static fromDescriptor(fd: number): Mutex {
    return new Mutex(ownSegment.fromDescriptor(fd, SHAPE), 0, true);
  }
}

const SHAPE = { kind: 'mutex', size: MUTEX_BYTES, owners: DEFAULT_SLOTS };
