/**
 * Shared memory between processes and threads: segments, tables, locks, atomics and channels. Each has a sub-path with all
 * of its names (`/segment`, `/table`, `/lock`, `/atomic`, `/ring`); here are those that most programs need.
 *
 * ```ts
 * import { column, Table } from '@millrace/shared-memory';
 *
 * const visits = Table.openOrCreate('/visits', { rows: 10_000, columns: { hits: column.int64() } });
 * visits.increment('ada', 'hits');
 * ```
 *
 * @packageDocumentation
 */
export { AtomicInt64, AtomicUint32, Gate } from './atomic.js';
export { SharedMemoryError, type SharedMemoryErrorCode } from './errors.js';
export {
  type AsyncWaitOptions,
  Barrier,
  LockGuard,
  Mutex,
  ReadWriteLock,
  Semaphore,
  type SharedObjectOptions,
  SpinLock,
  type WaitOptions,
} from './lock.js';
export {
  type RingChannelOptions,
  ringFromParent,
  type SpawnWithRingOptions,
  spawnWithRing,
  type ThreadWithRingOptions,
  threadWithRing,
} from './ring.js';
export { Segment, type SegmentName, type SegmentOptions, type SegmentTrust } from './segment.js';
export {
  type Columns,
  column,
  Table,
  type TableDefinition,
  type TableOptions,
  type TableStats,
} from './table.js';
