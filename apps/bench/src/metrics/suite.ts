import { runModule } from '../child.js';
import type { Contender, Figure, Group } from '../harness.js';
import type { Suite } from '../suites.js';
import { type Library, OPERATIONS, type Operation } from './work.js';

/** Of the peer's figure; memory that all processes share costs more than an object's property does. */
const BAR = 1;

function contender(operation: Operation, library: Library): Contender {
  return {
    name: library,
    run: () => runModule(new URL('./run.js', import.meta.url), [operation, library]),
  };
}

function beside(operation: Operation): Group {
  const ours = contender(operation, 'millrace');
  const peer = contender(operation, 'prom-client');
  const comparison = {
    case: OPERATIONS[operation],
    unit: 'ns',
    metric: 'nanoseconds',
    better: 'less',
    ours,
    peer,
    // What is bound is a closure over an object in prom-client; the rest makes a string of the labels first.
    bar: operation === 'inc labels' || operation === 'observe labels' ? BAR : undefined,
  } as const;
  return { contenders: [ours, peer], comparisons: [comparison] };
}

/** What no peer has: one counter of several processes. */
function contended(processes: number): Group {
  const ours: Contender = {
    name: 'millrace',
    run: () => runModule(new URL('./contended-run.js', import.meta.url), [processes]),
  };
  const name = `one counter, ${processes} processes at once: inc`;
  const figures: Figure[] = [
    { case: name, unit: 'ns', metric: 'nanoseconds', contender: ours },
    { case: `${name}, lost`, unit: 'increments', metric: 'lost', contender: ours, over: 'sum' },
  ];
  return { contenders: [ours], comparisons: [], figures };
}

export const suite: Suite = {
  packages: ['@millrace/metrics', 'prom-client'],
  groups: () => [...(Object.keys(OPERATIONS) as Operation[]).map(beside), ...[2, 4].map(contended)],
  notes: [
    'Each figure after a first round of the same size, in a process of its own. prom-client counts in objects of one process; ours is memory that all processes share, and keeps what a killed one has counted.',
  ],
};
