import type { ClaimTable } from '../claims/claim-table.js';
import type { StuckListener, TaskTally } from './dispatcher-options.js';
import type { SharedLink, TaskLink } from './worker-queue.js';

export interface TaskClientOptions {
  readonly links: readonly TaskLink[];
  /** A link from which any free worker takes; `links` then carry only tasks that chose a worker. */
  readonly shared?: SharedLink | undefined;
  /** Which process of its name this is, from 1; answers to an earlier one are dropped. */
  readonly incarnation: number;
  /** Most tasks that wait in this process for a task worker. Default 10,000. */
  readonly maxQueue?: number | undefined;
  /** One more is refused with an error, or waits until the queue has room. Default `'error'`. */
  readonly whenFull?: 'error' | 'wait' | undefined;
  /** Where its tasks are claimed; shared with the task workers and with this process's predecessors. */
  readonly claims: ClaimTable;
  /** How many tasks a worker runs, where other clients send it some, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** The worker that is tried first: clients that begin at different ones collide less often. Default 0. */
  readonly first?: number | undefined;
  /** Tasks that a worker runs at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Milliseconds that a task may go on after its time-out or abort, before `stuck` is called. Default: for ever. */
  readonly grace?: number | undefined;
  readonly stuck?: StuckListener | undefined;
  /** A result that a task sent by `finish` and that no callback of its own takes. */
  readonly finished?: ((id: number, value: unknown) => void) | undefined;
  /** A report that could not be read, or an overwritten claim: dropped, and reported here alone. */
  readonly dropped?: ((worker: number, error: Error) => void) | undefined;
  readonly tally?: TaskTally | undefined;
  /** Called with true when the first task is pending, and with false when the last is settled. */
  readonly busy?: ((busy: boolean) => void) | undefined;
}

/** A result of `runAll`: in time, failed, or missing when the time-out passed. */
export type Settled<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'late' };

export type TaskCallback<T = unknown> = (error: unknown, result: T | undefined) => void;
