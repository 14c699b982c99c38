import type { ClaimTable } from '../claims/claim-table.js';
import type { StuckListener, TaskTally } from './dispatcher-options.js';
import type { SharedLink, TaskLink } from './worker-queue.js';

export interface TaskClientOptions {
  readonly links: readonly TaskLink[];
  /** A way to whichever worker is free; then `links` carry only tasks for chosen ones. */
  readonly shared?: SharedLink | undefined;
  /** Which process of its name this is, from 1; answers to an earlier one are dropped. */
  readonly incarnation: number;
  /** Most tasks that wait here for a task worker. Default 10,000. */
  readonly maxQueue?: number | undefined;
  /** What becomes of one more: an error, or it waits for its place outside of the queue. Default `'error'`. */
  readonly whenFull?: 'error' | 'wait' | undefined;
  /** Where its tasks are claimed; shared with the task workers, and with those that had its place before. */
  readonly claims: ClaimTable;
  /** How many tasks a worker runs, where others than this asker give it some, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** The worker that is tried first: askers that begin at different ones meet less often. Default 0. */
  readonly first?: number | undefined;
  /** Tasks that a worker runs at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Milliseconds that a task may go on after it was given up, before `stuck` is called. Default: for ever. */
  readonly grace?: number | undefined;
  readonly stuck?: StuckListener | undefined;
  /** A result that a task sent by `finish` and no callback takes. */
  readonly finished?: ((id: number, value: unknown) => void) | undefined;
  /** What a worker has sent, or the claim of a task, makes no sense, and only what is said here comes of it. */
  readonly dropped?: ((worker: number, error: Error) => void) | undefined;
  readonly tally?: TaskTally | undefined;
  /** Told when the first task is asked for, and when the last has its answer. */
  readonly busy?: ((busy: boolean) => void) | undefined;
}

/** A result of `runAll`: in time, failed, or not there when the time-out had passed. */
export type Settled<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'late' };

export type TaskCallback<T = unknown> = (error: unknown, result: T | undefined) => void;
