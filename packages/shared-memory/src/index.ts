export { Atomic } from './atomic/atomic.js';
export { AtomicLong } from './atomic/atomic-long.js';
export { Gate } from './atomic/gate.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export { type Lock, LockGuard } from './lock/lock.js';
export { Mutex } from './lock/mutex.js';
export { ReadWriteLock } from './lock/read-write-lock.js';
export { Semaphore } from './lock/semaphore.js';
export { SpinLock } from './lock/spin-lock.js';
export { OwnerRegistry } from './owner/registry.js';
export { DOORBELL_BYTES, Doorbell } from './ring/doorbell.js';
export {
  type DoorbellClient,
  DoorbellListener,
  type DoorbellListenerOptions,
} from './ring/doorbell-listener.js';
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
} from './ring/link.js';
export { RingReader } from './ring/reader.js';
export {
  assertRing,
  openRing,
  type RingMemory,
  resetRing,
  ringAt,
  ringBytes,
  ringPieceBytes,
} from './ring/ring.js';
export {
  type ChildWithRing,
  ringFromParent,
  type SpawnWithRingOptions,
  spawnWithRing,
  type ThreadWithRing,
  type ThreadWithRingOptions,
  threadWithRing,
} from './ring/spawn.js';
export { RingTransport, type RingTransportOptions } from './ring/transport.js';
export { RingWriter } from './ring/writer.js';
export type { SegmentExpectation, SegmentHeader } from './segment/header.js';
export type { SegmentName, SystemVKey, SystemVPath } from './segment/name.js';
export type { SegmentTrust } from './segment/options.js';
export {
  Segment,
  type SegmentOpenOptions,
  type SegmentOpenOrCreateOptions,
  type SegmentOptions,
} from './segment/segment.js';
export type { ResidentOptions } from './segment/shared-object.js';
export type { SegmentInfo } from './segment/store.js';
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
export type { AsyncWaitOptions, WaitOptions } from './wait/word-waits.js';
