import type { TimerDriver } from './drivers.js';
import type { Lateness } from './lateness-histogram.js';

export interface TimerHeapOptions {
  /**
   * The time in milliseconds, from any origin, fractions welcome. Should never go back; where it does, the heap's
   * time stands still until the clock has caught up. Default: `performance.now`.
   */
  readonly clock?: () => number;
  /**
   * What wakes the heap up. `null`: nothing does, and the owner calls `runDue` when `nextDelay` says so.
   * Default: a `TimeoutDriver`, over `setTimeout`.
   */
  readonly driver?: TimerDriver | null;
  /**
   * Gets what a callback threw, and the id of its timer; the other timers run all the same. What it throws itself
   * becomes an uncaught exception. Default: the error becomes an uncaught exception once the pass is over.
   */
  readonly onError?: (error: unknown, id: number) => void;
}

export interface SleepOptions {
  /** Ends the wait when it aborts. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive. Default: true. */
  readonly ref?: boolean | undefined;
}

export type TicksOptions = SleepOptions;

/** What is known of one timer, at the moment of the question. */
export interface TimerInfo {
  /** When it is due, in milliseconds since the heap was made; inside its callback, when it was. */
  readonly execMsec: number;
  /** How often its callback has been called, a call in progress included. */
  readonly execCount: number;
  /** Milliseconds between two ticks; 0 for a timer that fires once. */
  readonly interval: number;
  /** The heap's round when the timer was made. */
  readonly round: number;
  /** True in the callback of a timer that has been cleared there; otherwise false. */
  readonly removed: boolean;
}

export interface TimerStats {
  /** How many timers are live. */
  readonly num: number;
  /** How many passes have fired something, a pass in progress included. */
  readonly round: number;
  /** How late timers ran since the heap was made: from due time to the start of the callback. */
  readonly lateness: Lateness;
}
