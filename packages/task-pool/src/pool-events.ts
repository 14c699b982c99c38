import type { Exit } from '@millrace/process-pool';
import type { TaskStats } from './statistics.js';

/** What `on` can listen to. */
export interface TaskPoolEvents {
  /** The queue, having been full, is half empty. */
  drain: [];
  workerReady: [worker: { readonly worker: number; readonly pid: number }];
  /** A worker has ended, and is replaced after `delay` milliseconds; undefined: it is not. */
  workerExit: [exit: Exit & { readonly worker: number; readonly delay: number | undefined }];
  /** A worker was killed, for a task went on for `grace` milliseconds after it was given up. */
  workerKilled: [worker: { readonly worker: number; readonly pid: number | undefined }];
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
