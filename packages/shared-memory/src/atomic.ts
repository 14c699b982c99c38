/**
 * Numbers that threads and processes change atomically, and a gate for which they wait.
 *
 * ```ts
 * import { AtomicInt64, Gate } from '@millrace/shared-memory/atomic';
 *
 * const served = AtomicInt64.openOrCreate('/served');
 * served.add(); // 1n
 * await Gate.openOrCreate('/ready').waitAsync({ timeout: 5_000 });
 * ```
 *
 * @packageDocumentation
 */
export { AtomicInt64 } from './atomic/atomic-int64.js';
export { AtomicUint32 } from './atomic/atomic-uint32.js';
export { Gate } from './atomic/gate.js';
export type { SharedObjectOptions } from './segment/shared-object.js';
export type { AsyncWaitOptions, WaitOptions } from './wait/word-waits.js';
