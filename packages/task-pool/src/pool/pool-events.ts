import type { Exit } from '@millrace/process-pool';
import type { TaskName } from '../client/dispatcher-options.js';
import type { TaskStats } from '../client/statistics.js';
import type { TaskError } from '../errors.js';

/** What `on` can listen to. */
export interface TaskPoolEvents {
  /** The queue, having been full, is half empty. */
  drain: [];
  workerReady: [worker: { readonly worker: number; readonly pid: number }];
  /** A worker has ended, and is replaced after `delay` milliseconds; undefined: it is not. */
  workerExit: [exit: Exit & { readonly worker: number; readonly delay: number | undefined }];
  /**
   * What lies between the pool and a worker makes no sense: some process has written over it. The worker is killed and
   * replaced; what it had begun is rejected, with `error` as the cause, or run again, and nothing else is lost.
   */
  workerCorrupt: [
    worker: { readonly worker: number; readonly pid: number | undefined; readonly error: TaskError },
  ];
  /** A worker is killed, for `task` went on for `grace` milliseconds after it was given up; `alongside` die with it. */
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
  /** Part of the workers' time since the start that tasks have run, from 0 to 1. */
  readonly utilisation: number;
  readonly workers: readonly {
    readonly pid: number | undefined;
    readonly state: string;
    readonly starts: number;
  }[];
}
