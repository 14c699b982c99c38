import type { Channel } from '@millrace/channel';
import type { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import type { TaskContext } from './running-task.js';

export type TaskHandler = (value: unknown, context: TaskContext) => unknown;

export interface RunnerClaims {
  /** Where the tasks of each asker are claimed, by the index of its channel. */
  readonly tables: readonly ClaimTable[];
  /** This worker's index, of so many. */
  readonly worker: number;
  readonly workers: number;
}

/** A way to one who asks; `queuedBytes` of answers are still in this process. */
export type RunnerChannel = Channel<TaskMessage> & { readonly queuedBytes: number };

export interface TaskRunnerOptions {
  /** The ways to those who ask, by their index. */
  readonly channels: readonly RunnerChannel[];
  /** What tasks are told of who asks by each of them. Default: the index. */
  readonly sources?: readonly number[] | undefined;
  /** Finds the handler of a name. */
  readonly handler: (name: string) => TaskHandler | undefined;
  /** A result could not be sent (its asker is told as well). */
  readonly onUnsendable: (error: unknown, name: string) => void;
  /** A task has failed that is nobody's: no asker is told. */
  readonly onOrphanFailed?: ((error: unknown, name: string) => void) | undefined;
  /** A message of that asker makes no sense, and is dropped; -1: one of a queue. */
  readonly onNonsense?: ((asker: number, error: Error) => void) | undefined;
  readonly claims: RunnerClaims;
  /** Tasks that run at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Told how many tasks run, before each answer and whenever one begins. */
  readonly onLoad?: ((running: number) => void) | undefined;
  /** Called after each task that was begun. */
  readonly onDone?: ((begun: number) => void) | undefined;
}
