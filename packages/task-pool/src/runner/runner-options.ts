import type { Channel } from '@millrace/channel';
import type { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import type { TaskContext } from './running-task.js';

export type TaskHandler = (value: unknown, context: TaskContext) => unknown;

export interface RunnerClaims {
  /** Where the tasks of each client are claimed, by the index of its channel. */
  readonly tables: readonly ClaimTable[];
  /** This worker's index, of so many. */
  readonly worker: number;
  readonly workers: number;
}

/** The channel of a client; `queuedBytes` of answers are still in this process. */
export type RunnerChannel = Channel<TaskMessage> & { readonly queuedBytes: number };

export interface TaskRunnerOptions {
  /** The channels of the clients, by their index. */
  readonly channels: readonly RunnerChannel[];
  /** The `source` of the tasks of each channel. Default: the index. */
  readonly sources?: readonly number[] | undefined;
  /** Finds the handler of a name. */
  readonly handler: (name: string) => TaskHandler | undefined;
  /** A result could not be sent; its client gets the error as well. */
  readonly onUnsendable: (error: unknown, name: string) => void;
  /** A task without a client has failed: it gets no answer. */
  readonly onOrphanFailed?: ((error: unknown, name: string) => void) | undefined;
  /** A message of that client (-1: of a queue) is invalid, and is dropped. */
  readonly onInvalidMessage?: ((asker: number, error: Error) => void) | undefined;
  readonly claims: RunnerClaims;
  /** Tasks that run at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Called with the number of running tasks, before each answer and whenever a task begins. */
  readonly onLoad?: ((running: number) => void) | undefined;
  /** Called when a task of that name begins, with when that was by `performance.now()`; `onLoad` says when it has ended. */
  readonly onBegin?: ((name: string, startedAt: number) => void) | undefined;
  /** Called after each task that was begun. */
  readonly onDone?: ((begun: number) => void) | undefined;
}
