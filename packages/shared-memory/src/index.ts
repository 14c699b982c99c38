export { Atomic } from './atomic.js';
export { AtomicLong } from './atomic-long.js';
export {
  DOORBELL_BYTES,
  Doorbell,
  type DoorbellClient,
  DoorbellListener,
} from './doorbell.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { type Lock, LockGuard } from './lock.js';
export { Mutex } from './mutex.js';
export { OwnerRegistry } from './owners.js';
export { ReadWriteLock } from './read-write-lock.js';
export type { ResidentOptions } from './resident.js';
export { openRing, type RingMemory, ringBytes } from './ring.js';
export { RingReader } from './ring-reader.js';
export { RingTransport, type RingTransportOptions } from './ring-transport.js';
export { RingWriter } from './ring-writer.js';
export { Segment } from './segment.js';
export type { SegmentExpectation, SegmentHeader } from './segment-header.js';
export type { SegmentName, SystemVKey, SystemVPath } from './segment-name.js';
export type { SegmentOpenOptions, SegmentOpenOrCreateOptions, SegmentOptions } from './segment-options.js';
export type { SegmentInfo } from './segment-store.js';
export { Semaphore } from './semaphore.js';
export { SpinLock } from './spin-lock.js';
export type { AsyncWaitOptions, WaitOptions } from './wait-options.js';
export { waitingMode } from './word-waiter.js';
