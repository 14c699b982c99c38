/**
 * Locks between threads and processes, and a barrier, which survive the death of their owners.
 *
 * ```ts
 * import { Mutex } from '@millrace/shared-memory/lock';
 *
 * const mutex = Mutex.openOrCreate('/report');
 * {
 *   using held = await mutex.lockAsync({ signal });
 *   if (held.ownerDied) repair();
 * }
 * ```
 *
 * @packageDocumentation
 */
export { Barrier } from './lock/barrier.js';
export { type Lock, LockGuard } from './lock/lock.js';
export { Mutex } from './lock/mutex.js';
export { ReadWriteLock } from './lock/read-write-lock.js';
export { Semaphore } from './lock/semaphore.js';
export { SpinLock } from './lock/spin-lock.js';
export type { SharedObjectOptions } from './segment/shared-object.js';
export type { AsyncWaitOptions, WaitOptions } from './wait/word-waits.js';
