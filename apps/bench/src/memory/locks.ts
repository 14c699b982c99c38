import { runModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite } from '../suites.js';

/** The least that a lock costs: a compare-and-swap to take a word, another to free it. */
const FLOOR = 'two compare-and-swaps';
const LOCKS = ['mutex', 'spin lock', 'read lock', 'write lock', 'semaphore'] as const;
/** A pair of a mutex may cost twice its floor. */
const BAR = 0.5;

function contender(name: string, processes: number): Contender {
  const url = new URL('./locks-run.js', import.meta.url);
  return { name, run: () => runModule<Record<string, number>>(url, [name, processes]) };
}

function compare(name: string, ours: Contender, peer: Contender, bar?: number): Comparison {
  return { case: name, unit: 'ns/pair', metric: 'nanoseconds', better: 'less', ours, peer, bar };
}

function uncontended(): Group {
  const floor = contender(FLOOR, 1);
  const locks = LOCKS.map((name) => contender(name, 1));
  return {
    contenders: [floor, ...locks],
    comparisons: locks.map((lock, i) =>
      compare(`${lock.name}: lock + unlock, one process`, lock, floor, i === 0 ? BAR : undefined),
    ),
  };
}

function contended(): Group {
  const floor = contender(FLOOR, 2);
  const locks = [contender('mutex', 2), contender('spin lock', 2)];
  return {
    contenders: [floor, ...locks],
    comparisons: locks.map((lock) =>
      compare(`${lock.name}: lock + unlock, two processes at once`, lock, floor),
    ),
  };
}

/** Locks beside what a lock must cost at least. */
export const lockCases: Suite = {
  packages: ['@millrace/shared-memory'],
  groups: () => [uncontended(), contended()],
  notes: [
    `'${FLOOR}' is no lock that can be used: it spins where it has to wait, and an owner that dies has it for ever. ` +
      'With two processes each figure is the time from the first lock to the last unlock, over all pairs of both.',
  ],
};
