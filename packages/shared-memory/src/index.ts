export { Atomic } from './atomic.js';
export { AtomicLong } from './atomic-long.js';
export { DOORBELL_BYTES, Doorbell } from './doorbell.js';
export {
  type DoorbellClient,
  DoorbellListener,
  type DoorbellListenerOptions,
} from './doorbell-listener.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { Gate } from './gate.js';
export { type Lock, LockGuard } from './lock.js';
export { Mutex } from './mutex.js';
export { OwnerRegistry } from './owners.js';
export { ReadWriteLock } from './read-write-lock.js';
export type { ResidentOptions } from './resident.js';
export {
  assertRing,
  openRing,
  type RingMemory,
  resetRing,
  ringAt,
  ringBytes,
  ringPieceBytes,
} from './ring.js';
export {
  closeRingEnd,
  createRingLink,
  descriptorsOf,
  openRingEnd,
  type RingChannelOptions,
  type RingEnd,
  type RingLink,
  type RingLinkOptions,
  ringEnd,
} from './ring-link.js';
export { ringFromParent } from './ring-parent.js';
export { RingReader } from './ring-reader.js';
export {
  type ChildWithRing,
  type SpawnWithRingOptions,
  spawnWithRing,
  type ThreadWithRing,
  type ThreadWithRingOptions,
  threadWithRing,
} from './ring-spawn.js';
export { RingTransport, type RingTransportOptions } from './ring-transport.js';
export { RingWriter } from './ring-writer.js';
export { Segment } from './segment.js';
export type { SegmentExpectation, SegmentHeader } from './segment-header.js';
export type { SegmentName, SystemVKey, SystemVPath } from './segment-name.js';
export type {
  SegmentOpenOptions,
  SegmentOpenOrCreateOptions,
  SegmentOptions,
  SegmentTrust,
} from './segment-options.js';
export type { SegmentInfo } from './segment-store.js';
export { Semaphore } from './semaphore.js';
export { SpinLock } from './spin-lock.js';
export {
  bytes,
  type Column,
  type Columns,
  type ColumnType,
  float64,
  int64,
  type NumericName,
  type Out,
  type Row,
  string,
  type Values,
} from './table/columns.js';
export type { OpenDefinition, TableDefinition } from './table/definition.js';
export type { TableUse } from './table/engine.js';
export type { TableOptions } from './table/open.js';
export type { TableStats } from './table/stats.js';
export { Table } from './table/table.js';
export type { AsyncWaitOptions, WaitOptions } from './wait-options.js';
