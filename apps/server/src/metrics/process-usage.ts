import type { ProcessRole } from '../contract/ids.js';

/** What a role is called in labels. */
export function roleLabel(role: ProcessRole | 'admin'): string {
  if (role === 'taskWorker') return 'task_worker';
  return role === 'userProcess' ? 'user' : role;
}

/** What one process of a server uses. */
export interface ProcessUsage {
  /** `'master'`, `'manager'`, `'worker'`, `'standby'`, `'task_worker'`, `'user'`, `'service'`, `'admin'`. */
  readonly role: string;
  /** Among those of its role. */
  readonly id: number;
  /** It does its work: it is not down, only starts, hangs or is stopped. */
  readonly ready?: boolean | undefined;
  readonly cpuSeconds?: number | undefined;
  readonly residentBytes?: number | undefined;
  /** Seconds since 1970. */
  readonly startTime?: number | undefined;
  /** Seconds; at the 99th percentile of the last interval. */
  readonly eventLoopDelay?: number | undefined;
}
