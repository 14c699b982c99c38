import type { ClaimTable } from '../claims/claim-table.js';
import type { SharedLink, TaskLink } from './worker-queue.js';

/** How a task worker ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A task as events name it. */
export interface TaskName {
  readonly id: number;
  readonly name: string;
}

/** Called with the worker, the task that it does not stop, and the tasks of others that it runs beside it. */
export type StuckListener = (worker: number, task: TaskName, alongside: readonly TaskName[]) => void;

/** Told of each task that is taken and of each that has its answer; afterwards. */
export interface TaskTally {
  asked(): void;
  completed(): void;
  failed(): void;
}

export interface DispatcherOptions {
  readonly links: readonly TaskLink[];
  /** A way to whichever worker is free; then `links` carry only tasks for chosen ones. */
  readonly shared?: SharedLink | undefined;
  /** Names this asker in its messages: answers to another are dropped. Not 0. */
  readonly owner: number;
  /** Where this asker's tasks are claimed. */
  readonly claims: ClaimTable;
  /** How many tasks a worker runs, where others than this asker give it some, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** The worker that is tried first: askers that begin at different ones meet less often. Default 0. */
  readonly first?: number | undefined;
  /** Tasks that a worker runs at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Milliseconds that a task may go on after it was given up, before `stuck` is called. Default: for ever. */
  readonly grace?: number | undefined;
  /** The worker goes on with a task that was given up. */
  readonly stuck?: StuckListener | undefined;
  /** A result that was sent by `finish`, of a task that is over. */
  readonly finished?: ((id: number, value: unknown) => void) | undefined;
  /** What a worker has sent, or the claim of a task, makes no sense, and only what is said here comes of it. */
  readonly dropped?: ((worker: number, error: Error) => void) | undefined;
  readonly tally?: TaskTally | undefined;
  /** Tasks no longer wait. */
  readonly moved?: (() => void) | undefined;
}
