import { runModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite } from '../suites.js';

const COUNTS = [1e4, 1e5, 1e6];
const OPERATIONS = ['cancel', 'fire'] as const;
const SPREADS = ['random', 'equal'] as const;
const PEERS = ['setTimeout', 'tinyqueue', 'heap-js'] as const;
/** What a million timers with random delays must reach against setTimeout, handles and callbacks included. */
const BAR = 5;

function contender(name: string, operation: string, count: number, spread: string): Contender {
  const url = new URL('./run.js', import.meta.url);
  return { name, run: () => runModule<Record<string, number>>(url, [name, operation, count, spread]) };
}

function group(
  operation: (typeof OPERATIONS)[number],
  count: number,
  spread: (typeof SPREADS)[number],
): Group {
  const ours = contender('timer-heap', operation, count, spread);
  const peers = PEERS.map((name) => contender(name, operation, count, spread));
  const comparisons = peers.map(
    (peer): Comparison => ({
      case: `add + ${operation}, ${count.toLocaleString('en-US')} timers, ${spread} delays`,
      unit: 'ns/timer',
      metric: 'nanoseconds',
      better: 'less',
      ours,
      peer,
      bar: count === 1e6 && spread === 'random' && peer.name === 'setTimeout' ? BAR : undefined,
    }),
  );
  return { contenders: [ours, ...peers], comparisons };
}

export const suite: Suite = {
  packages: ['@millrace/timer-heap', 'tinyqueue', 'heap-js'],
  groups: () =>
    OPERATIONS.flatMap((operation) =>
      SPREADS.flatMap((spread) => COUNTS.map((count) => group(operation, count, spread))),
    ),
  notes: [
    'Each figure is of a process of its own, after a first round of the same size. All timers have a callback and a handle. tinyqueue and heap-js are ' +
      'priority queues and not timers: what is cancelled there is marked and skipped later, nothing wakes them up, ' +
      'and they order equal deadlines as it happens.',
    'setTimeout keeps one list for each delay in whole milliseconds: with equal delays that is one list, which a ' +
      'heap need not beat.',
  ],
};
