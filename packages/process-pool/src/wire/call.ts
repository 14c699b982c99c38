import { isMainThread } from 'node:worker_threads';
import { dieWithParent } from '@millrace/native';
import { CALL_VARIABLE, type Call } from './protocol.js';

/** Where a call that has been taken is kept: more than one copy of this package may be loaded in a process. */
const KEPT = Symbol.for('millrace.call');
type Keeper = { [KEPT]?: Call };

/**
 * What a pool has told this process to be: one of its own; undefined when none did. From the first call on the kernel
 * kills this process when its parent is gone, and no other process that it starts takes the call for its own.
 */
export function takeCall(): Call | undefined {
  const keeper = globalThis as Keeper;
  const text = process.env[CALL_VARIABLE];
  if (keeper[KEPT] !== undefined || text === undefined || !isMainThread) return keeper[KEPT];
  delete process.env[CALL_VARIABLE];
  const call = JSON.parse(text) as Call;
  // The parent had gone before the kernel could be asked.
  if (!dieWithParent(call.parent)) process.exit(1);
  keeper[KEPT] = call;
  return call;
}
