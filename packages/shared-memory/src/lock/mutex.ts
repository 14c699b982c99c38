import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { Segment } from '../segment/segment.js';
import { namedObjects } from '../segment/shared-object.js';
import { ExclusiveLock } from './exclusive-lock.js';
import { MUTEX_BYTES } from './layout.js';

const SHAPE = { kind: 'mutex', size: MUTEX_BYTES, owners: DEFAULT_SLOTS };
const mutexes = namedObjects(SHAPE, (segment) => new Mutex(segment, 0, true));

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

  static readonly create = mutexes.create;
  static readonly open = mutexes.open;
  static readonly openOrCreate = mutexes.openOrCreate;
  /** Handed on as `segment.descriptor`. */
  static readonly anonymous = mutexes.anonymous;
  static readonly fromDescriptor = mutexes.fromDescriptor;
}
