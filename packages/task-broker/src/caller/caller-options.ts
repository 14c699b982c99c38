import type { TaskTally } from '@millrace/task-pool/internal';
import type { TaskEngine } from '../engine/engine.js';
import type { Bodies } from '../wire/bodies.js';

export interface CallerOptions {
  readonly bodies: Bodies;
  readonly engine: TaskEngine;
  readonly whenFull: 'error' | 'wait';
  /** Milliseconds without news of a task after which the engine is asked what became of it. */
  readonly sweepEvery: number;
  /** Milliseconds that a task waits for an engine that is away before it is refused, where it does not wait for good. */
  readonly connectTimeout: number;
  /** Counts the tasks that are answered and settled; those that are asked for the submitter counts. */
  readonly tally?: TaskTally | undefined;
}

/** Tasks that are on their way to the engine at a time: enough to fill a round trip, and a bound on what a lost connection leaves open. */
export const MOST_SENT = 1_000;
/** Ids in one look-up. */
export const LOOK_UP_BATCH = 250;
/** Milliseconds between two look-ups of tasks whose answer goes to another caller. */
export const JOINED_EVERY_MS = 250;
