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

/** Called with the worker, the task that it does not stop, and the other tasks that it runs beside it. */
export type StuckListener = (worker: number, task: TaskName, alongside: readonly TaskName[]) => void;

/** Counts the tasks that are accepted and those that are settled; called afterwards. */
export interface TaskTally {
  asked(name: string): void;
  /** A task worker has answered, and the caller still waits for that. Milliseconds. */
  answered(name: string, waited: number, ran: number): void;
  completed(name: string): void;
  failed(name: string, error: unknown): void;
}

export interface DispatcherOptions {
  readonly links: readonly TaskLink[];
  /** A link from which any free worker takes; `links` then carry only tasks that chose a worker. */
  readonly shared?: SharedLink | undefined;
  /** Identifies this process in its messages: answers to another are dropped. Not 0. */
  readonly incarnation: number;
  /** Where this client's tasks are claimed. */
  readonly claims: ClaimTable;
  /** How many tasks a worker runs, where other clients send it some, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** The worker that is tried first: clients that begin at different ones collide less often. Default 0. */
  readonly first?: number | undefined;
  /** Tasks that a worker runs at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** Milliseconds that a task may go on after its time-out or abort, before `stuck` is called. Default: for ever. */
  readonly grace?: number | undefined;
  /** The worker goes on with an aborted task for more than `grace`. */
  readonly stuck?: StuckListener | undefined;
  /** A result that was sent by `finish`, of a task that is over. */
  readonly finished?: ((id: number, value: unknown) => void) | undefined;
  /** A report that could not be read, or an overwritten claim: dropped, and reported here alone. */
  readonly dropped?: ((worker: number, error: Error) => void) | undefined;
  readonly tally?: TaskTally | undefined;
  /** The backlog has become shorter. */
  readonly moved?: (() => void) | undefined;
}
