import type * as Inspector from 'node:inspector';
import { createRequire } from 'node:module';
import { HEARTBEAT_MS } from '../constants.js';
import { BEAT, BEAT_AT, BEAT_PID, DEBUGGED, LOOP_DELAY, LOOP_DELAY_P99 } from '../shared/counters-layout.js';
import { LoopDelay } from './loop-delay.js';

const require = createRequire(import.meta.url);

/** The debugger's address; where Node has been built without one, there is none. */
function debuggerUrl(): string | undefined {
  try {
    return (require('node:inspector') as typeof Inspector).url();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_INSPECTOR_NOT_AVAILABLE') return undefined;
    throw error;
  }
}

/** Milliseconds of the machine's monotonic clock, which is the same in every process. */
export function monotonicNow(): number {
  return Math.round(Number(process.hrtime.bigint()) / 1_000) / 1_000;
}

/** Milliseconds between two looks at how late the loop is, while it is busy. */
const SAMPLED_EVERY_MS = 20;
/** The share of its time that a loop works from which on it is busy: one that idles is not woken to be measured. */
const BUSY = 0.01;

/** What hears of the loop of its process. */
export interface LoopListener {
  /** It was late by so much. */
  late(seconds: number): void;
  /** Each second. */
  beats(): void;
}

/**
 * Counts in shared memory that this process's loop turns, for the manager to see; from when the process has its place
 * until it gives that up; and how late it was, which `listener` is told as well. Returns what ends it. The timers do not keep the
 * process.
 */
export function beat(counters: Float64Array, listener: LoopListener): () => void {
  counters[BEAT_PID] = process.pid;
  const delays = new LoopDelay(SAMPLED_EVERY_MS);
  let expectedAt = monotonicNow();
  let sampledAt = expectedAt;
  let utilization = performance.eventLoopUtilization();
  const record = (delay: number, now: number) =>
    delays.record(Math.max(0, delay), now, (ms) => listener.late(ms / 1_000));
  const sample = () => {
    const now = monotonicNow();
    record(now - sampledAt, now);
    sampledAt = now + SAMPLED_EVERY_MS;
  };
  let sampling: NodeJS.Timeout | undefined;
  const once = () => {
    const now = monotonicNow();
    counters[BEAT] = (counters[BEAT] as number) + 1;
    counters[BEAT_AT] = now;
    counters[LOOP_DELAY] = Math.max(0, now - expectedAt);
    if (sampling === undefined) record(now - expectedAt, now);
    counters[LOOP_DELAY_P99] = delays.p99();
    const isBusy = performance.eventLoopUtilization(utilization).utilization > BUSY;
    utilization = performance.eventLoopUtilization();
    if (isBusy && sampling === undefined) {
      sampledAt = now + SAMPLED_EVERY_MS;
      sampling = setInterval(sample, SAMPLED_EVERY_MS).unref();
    } else if (!isBusy) {
      clearInterval(sampling);
      sampling = undefined;
    }
    expectedAt = now + HEARTBEAT_MS;
    listener.beats();
    // A process that stands at a breakpoint does not hang.
    counters[DEBUGGED] = debuggerUrl() === undefined ? 0 : 1;
  };
  once();
  const timer = setInterval(once, HEARTBEAT_MS).unref();
  return () => {
    clearInterval(timer);
    clearInterval(sampling);
    if (counters[BEAT_PID] === process.pid) counters[BEAT_PID] = 0;
  };
}
