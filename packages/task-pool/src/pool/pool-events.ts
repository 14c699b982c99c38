import type { Exit } from '@millrace/process-pool';
import type { TaskName } from '../client/dispatcher-options.js';
import type { TaskStats } from '../client/statistics.js';
import type { TaskError } from '../errors.js';

/** The events of a pool: `pool.on(name, handler)` adds a handler. */
export interface TaskPoolEvents {
  /** The queue, having been full, is half empty. */
  drain: [];
  workerReady: [worker: { readonly worker: number; readonly pid: number }];
  /** A worker has ended, and is replaced after `delay` milliseconds; undefined: it is not. */
  workerExit: [exit: Exit & { readonly worker: number; readonly delay: number | undefined }];
  /** No worker is left, and none is started: tasks are rejected with `error` from here on (`ERR_MILLRACE_TASK_POOL_FAILED`). */
  failed: [error: TaskError];
  /**
   * The memory or pipe between the pool and a worker is corrupt: some process has overwritten it. The worker is killed and
   * replaced; tasks that it had begun are rejected with `error` as the cause, or run again, and nothing else is lost.
   */
  workerCorrupt: [
    worker: { readonly worker: number; readonly pid: number | undefined; readonly error: TaskError },
  ];
  /** A worker is killed because `task` went on for `grace` milliseconds after its time-out or abort; `alongside` die with it. */
  workerKilled: [
    worker: {
      readonly worker: number;
      readonly pid: number | undefined;
      readonly task: TaskName;
      readonly alongside: readonly TaskName[];
    },
  ];
}

export interface TaskPoolStats extends TaskStats {
  /** Share of the workers' time since the start in which tasks ran, from 0 to 1. */
  readonly utilisation: number;
  readonly workers: readonly {
    readonly pid: number | undefined;
    readonly state: string;
    readonly starts: number;
  }[];
}
