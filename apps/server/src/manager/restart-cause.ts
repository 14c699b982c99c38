import type { Exit } from '@millrace/process-pool';
import type { RestartCause } from '../metrics/server-registry.js';

/** Why a process has ended that is replaced. `hung`: it was killed for a loop that did not turn. */
export function restartCause({ code, signal, error }: Exit, hung: boolean): RestartCause {
  if (hung) return 'hang';
  // Killed by the pool, for what it did not do in time.
  if (error !== undefined) return 'deadline';
  if (signal !== null) return 'signal';
  return code === 0 ? 'order' : 'error';
}
