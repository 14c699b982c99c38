import type { TaskPoolOptions } from '@millrace/task-pool';
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

export interface HostStats {
  readonly address: string;
  readonly connected: boolean;
  readonly running: number;
  /** Tasks that it can run at a time: those of the task processes that are there. */
  readonly slots: number;
  /** No task process is left, and none is started: nothing is claimed any more. */
  readonly failed: boolean;
  /** Tasks that this host ran to an end, whatever the end was. */
  readonly settled: number;
  /** Claims that another host got while they ran here: the network was cut, or the machine stood still. */
  readonly lost: number;
  /** Tasks that are run again because a task process died, or was not there any more. */
  readonly again: number;
  readonly cancelled: number;
  /** Claims of any host that were found not to have been renewed. */
  readonly stalled: number;
  readonly utilisation: number;
  readonly workers: readonly {
    readonly pid: number | undefined;
    readonly state: string;
    readonly starts: number;
  }[];
}
