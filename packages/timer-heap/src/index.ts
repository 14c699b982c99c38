/**
 * Millisecond timers, with no dependency, for Node and browsers: a 4-ary heap of the earliest, and levels of later ones, parked
 * in no order until their time comes near.
 *
 *     const timers = new TimerHeap();
 *     const id = timers.tick(1_000, (id) => report(id));
 *     timers.after(50, () => timers.clear(id));
 *     await timers.sleep(200, { signal });
 *
 * To read the source: timer-heap.ts is what timers promise; timer-table.ts is where they live; queue/
 * keeps them in order; drivers.ts wakes the heap up; waiting.ts makes promises and iterators of timers;
 * testing.ts (imported from `@millrace/timer-heap/testing`) is a clock that tests wind by hand.
 *
 * @packageDocumentation
 */
export { MAX_DELAY_MS, MIN_DELAY_MS } from './constants.js';
export { TimeoutDriver, type TimerDriver } from './drivers.js';
export { TimerError, type TimerErrorCode } from './errors.js';
export type { Lateness } from './lateness-histogram.js';
export type { SleepOptions, TicksOptions, TimerHeapOptions, TimerInfo, TimerStats } from './options.js';
export { TimerHeap } from './timer-heap.js';
