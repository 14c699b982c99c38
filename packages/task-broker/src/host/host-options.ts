import type { TaskPoolOptions } from '@millrace/task-pool';
import type { RemoteHostStats } from '@millrace/task-pool/internal';
import type { TaskEngine } from '../engine/engine.js';

/** Milliseconds that a task may go on after it was cancelled, before its process is killed. */
export const GRACE_MS = 5_000;
/** Milliseconds between two reports of a host. */
export const REPORT_EVERY_MS = 2_000;

/** How a host runs tasks; what is not here is as in a `TaskPool`. */
export interface ServeOptions
  extends Pick<
    TaskPoolOptions,
    'size' | 'concurrency' | 'maxTasks' | 'maxMemory' | 'taskTmpdir' | 'title' | 'execArgv' | 'restart'
  > {
  readonly engine: TaskEngine;
  /** Milliseconds that a task may go on after it was cancelled, before its process is killed. Default 5,000. */
  readonly grace?: number;
  /** As that of the callers. Default 256 KiB. */
  readonly valueLimit?: number;
}

export interface HostStats extends RemoteHostStats {
  /** No task process is left, and none is started: nothing is claimed any more. */
  readonly failed: boolean;
  readonly utilisation: number;
  readonly workers: readonly {
    readonly pid: number | undefined;
    readonly state: string;
    readonly starts: number;
  }[];
}
