import { DEFAULT_SLOTS } from '../owner/layout.js';
import type { Segment } from '../segment/segment.js';
import { namedObjects } from '../segment/shared-object.js';
import { ExclusiveLock } from './exclusive-lock.js';
import { MUTEX_BYTES } from './layout.js';

const SHAPE = { kind: 'spin-lock', size: MUTEX_BYTES, owners: DEFAULT_SLOTS };
const spinLocks = namedObjects(SHAPE, (segment) => new SpinLock(segment, 0, true));

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

  static readonly create = spinLocks.create;
  static readonly open = spinLocks.open;
  static readonly openOrCreate = spinLocks.openOrCreate;
  /** Handed on as `segment.descriptor`. */
  static readonly anonymous = spinLocks.anonymous;
  static readonly fromDescriptor = spinLocks.fromDescriptor;
}

/** Polls of the word before a sleep; about a fifth of a millisecond. */
const SPINS = 20_000;
