import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { TaskError } from '@millrace/task-pool';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type {
  ResetTasks,
  TaskWorkerDied,
  TaskWorkerGone,
  TaskWorkerUp,
} from '../contract/control-messages.js';

/** How a process asks for tasks: of the task workers of its server, or of an engine that brings them to those of all. */
export interface Asker {
  readonly client: TaskSubmitter;
  /** How many tasks have no answer yet. */
  readonly pending: number;
  /** Resolves when every task has its answer. */
  settled(): Promise<void>;
  /** Rejects every further task with `error`. */
  refuse(error: TaskError): void;
  /** The counters of this process, and its links, are its own from here on; `listener` is on its bell. */
  open(listener: DoorbellListener): void;
  heard(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void;
  /** False: this process has not opened what is to be emptied, or was too late. */
  reset(message: ResetTasks): boolean;
  /** Rejects what has no answer. Idempotent. */
  close(): void;
}
