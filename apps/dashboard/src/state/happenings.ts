import { signal } from '@preact/signals';
import type { ProcessEvent, ProcessReport } from '../reports.js';

/** Those that are kept; the log of the server has them all. */
const MOST = 200;
const SAME_MS = 5_000;

export interface Happening {
  readonly key: number;
  readonly at: number;
  readonly process: string;
  readonly kind: 'failure' | 'trouble' | 'replaced' | 'ready';
  readonly text: string;
}

/** What became of processes, newest first. */
export const happenings = signal<readonly Happening[]>([]);
let keys = 0;

export function forgetHappenings(): void {
  happenings.value = [];
}

/** That a process has changed its state. */
export function heard({ process, state, pid, previousPid, at }: ProcessEvent): void {
  switch (state) {
    case 'hanging':
      return add(at, process, 'trouble', 'hangs: its event loop does not turn');
    case 'stopped':
      return add(at, process, 'trouble', 'is stopped, by a signal or a debugger');
    case 'leaving':
      return add(at, process, 'replaced', 'leaves: it finishes what it has');
    case 'standby':
      // That one waits again is no news.
      return;
    case 'down':
      return add(at, process, 'trouble', 'has ended; the next one is on its way');
    case 'starting':
      // In a reload the pid is still that of the process before.
      return add(
        at,
        process,
        'replaced',
        previousPid === null ? 'starts anew' : `starts${of(pid)}${inThePlaceOf(previousPid)}`,
      );
    case 'ready':
      return add(at, process, 'ready', `is ready${of(pid)}${inThePlaceOf(previousPid)}`);
  }
}

/** Two snapshots: a process that has failed in between is one that the second counts. */
export function saw(before: readonly ProcessReport[], now: readonly ProcessReport[], at: number): void {
  const failures = new Map(before.map((process) => [process.name, process.failures]));
  for (const { name, failures: count, lastFailure } of now) {
    const last = failures.get(name);
    if (typeof last === 'number' && count !== null && count > last)
      add(at, name, 'failure', `has failed: ${lastFailure ?? 'unknown'}`);
  }
}

const of = (pid: number | null) => (pid === null ? '' : `, process ${pid}`);
const inThePlaceOf = (pid: number | null) => (pid === null ? '' : ` in the place of ${pid}`);

function add(at: number, process: string, kind: Happening['kind'], text: string): void {
  const last = happenings.value.find((one) => one.process === process);
  // Two events of one change: its state, and its pid.
  if (last?.text === text && at - last.at < SAME_MS) return;
  happenings.value = [{ key: ++keys, at, process, kind, text }, ...happenings.value.slice(0, MOST - 1)];
}
