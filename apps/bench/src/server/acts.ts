import { setTimeout as sleep } from 'node:timers/promises';
import type { Disturbance } from '../load/watched.js';
import type { Announcements } from './announcements.js';

/** Milliseconds that are looked at after a replacement is there: more than until an overdue message is followed up. */
const AFTER_MS = 1_000;

/** A server under load, and what is done to it. */
export interface Scene {
  readonly root: number;
  readonly told: Announcements;
  /** Waits until it has as many processes as at the beginning, ready ones. */
  recovered(): Promise<void>;
  /** Does it, waits until `over`, and tells what the client saw. */
  disturb(
    what: { pid: number; signal: NodeJS.Signals } | null,
    over: () => Promise<unknown>,
  ): Promise<Disturbance>;
}

/** Does something so many times; tells its figures. */
export type Act = (scene: Scene, times: number) => Promise<Record<string, number>>;

/** A process is killed, and another has its place a moment later. */
export function kill(which: 'worker' | 'manager'): Act {
  return async ({ told, disturb, recovered }, times) => {
    const seen: Disturbance[] = [];
    for (let i = 0; i < times; i++) {
      const victim = told[which];
      seen.push(
        await disturb({ pid: victim, signal: 'SIGKILL' }, async () => {
          await told.until((now) => now[which] !== victim);
          await sleep(AFTER_MS);
        }),
      );
      await recovered();
    }
    return { done: times, ...summary(seen) };
  };
}

/** The server is told to reload. */
export const reload: Act = async ({ root, told, disturb }, times) => {
  const seen: Disturbance[] = [];
  for (let i = 0; i < times; i++) {
    const before = told.reloads;
    seen.push(
      await disturb({ pid: root, signal: 'SIGUSR1' }, () =>
        told.until(({ reloads, failedReloads }) => reloads + failedReloads > before),
      ),
    );
    if (told.failedReloads > 0) throw new Error('A reload has failed.');
  }
  // What the last one may have lost is known when it has been overdue.
  const { lost, closed } = summary([...seen, await disturb(null, () => sleep(AFTER_MS))]);
  return { done: times, ...summary(seen), failed: lost + closed };
};

function summary(seen: readonly Disturbance[]) {
  const middle = (of: (one: Disturbance) => number) =>
    seen.map(of).sort((a, b) => a - b)[seen.length >> 1] as number;
  const sum = (of: (one: Disturbance) => number) => seen.reduce((total, one) => total + of(one), 0);
  return {
    settled: middle(({ settled }) => settled),
    slowest: middle(({ slowest }) => slowest),
    longest: Math.max(...seen.map(({ slowest }) => slowest)),
    p99: middle(({ p99 }) => p99),
    lost: sum(({ lost }) => lost),
    closed: sum(({ closed }) => closed),
  };
}
