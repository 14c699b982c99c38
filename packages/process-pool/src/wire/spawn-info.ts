import { isMainThread } from 'node:worker_threads';
import { dieWithParent } from '@millrace/native/internal';
import { SPAWN_INFO_VARIABLE, type SpawnInfo } from './protocol.js';

/** Where the information is kept once it was taken: several copies of this package may be loaded in one process. */
const KEPT = Symbol.for('millrace.spawn-info');
type Keeper = { [KEPT]?: SpawnInfo };

/**
 * What the pool that has started this process told it; undefined when no pool did. From the first call on the kernel kills this
 * process when its parent is gone, and processes that it starts itself do not inherit the variable.
 */
export function takeSpawnInfo(): SpawnInfo | undefined {
  const keeper = globalThis as Keeper;
  const text = process.env[SPAWN_INFO_VARIABLE];
  if (keeper[KEPT] !== undefined || text === undefined || !isMainThread) return keeper[KEPT];
  delete process.env[SPAWN_INFO_VARIABLE];
  const info = JSON.parse(text) as SpawnInfo;
  // The parent had ended before the death signal was armed.
  if (!dieWithParent(info.parent)) process.exit(1);
  keeper[KEPT] = info;
  return info;
}

/** Whether a pool has started this process. Unlike `inherit` it does not wait for the assignment. */
export function hasParent(): boolean {
  return takeSpawnInfo() !== undefined;
}
