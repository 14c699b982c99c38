import type * as Inspector from 'node:inspector';
import { createRequire } from 'node:module';
import { HEARTBEAT_MS } from '../constants.js';
import { BEAT, BEAT_AT, BEAT_PID, DEBUGGED, LOOP_DELAY } from '../shared/counters-layout.js';

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

/**
 * Counts in shared memory that this process's loop turns, for the manager to see; from when the process has its place
 * until it gives that up. Returns what ends it. The timer does not keep the process.
 */
export function beat(counters: Float64Array): () => void {
  counters[BEAT_PID] = process.pid;
  let expectedAt = monotonicNow();
  const once = () => {
    const now = monotonicNow();
    counters[BEAT] = (counters[BEAT] as number) + 1;
    counters[BEAT_AT] = now;
    counters[LOOP_DELAY] = Math.max(0, now - expectedAt);
    expectedAt = now + HEARTBEAT_MS;
    // A process that stands at a breakpoint does not hang.
    counters[DEBUGGED] = debuggerUrl() === undefined ? 0 : 1;
  };
  once();
  const timer = setInterval(once, HEARTBEAT_MS).unref();
  return () => {
    clearInterval(timer);
    if (counters[BEAT_PID] === process.pid) counters[BEAT_PID] = 0;
  };
}
