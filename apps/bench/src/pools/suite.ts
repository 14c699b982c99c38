import { runModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite, SuiteOptions } from '../suites.js';

const OURS = 'millrace ring';
const PEERS = [
  'millrace pipe',
  'millrace, files',
  'piscina',
  'piscina, 10 per worker',
  'tinypool',
  'poolifier',
  'workerpool threads',
  'workerpool processes',
  'child_process.fork',
];
/** What no-op tasks must reach, although ours are processes: times the peer's tasks per second. */
const BARS: Readonly<Record<string, number>> = { piscina: 2, 'workerpool processes': 8 };

interface Case {
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly what: string;
  readonly parameter: number;
  readonly bars?: Readonly<Record<string, number>>;
}

const noops = [1, 100, 1_000].map(
  (concurrency): Case => ({
    title: `no-op, ${concurrency.toLocaleString('en-US')} under way`,
    unit: 'tasks/s',
    better: 'more',
    what: 'noop',
    parameter: concurrency,
    bars: BARS,
  }),
);

const cases: readonly Case[] = [
  ...noops,
  {
    title: '64 KiB there and back, 16 under way',
    unit: 'tasks/s',
    better: 'more',
    what: 'payload',
    parameter: 16,
  },
  { title: 'computing, against one thread', unit: 'times', better: 'more', what: 'cpu', parameter: 0 },
  { title: 'start to first result', unit: 'ms', better: 'less', what: 'start', parameter: 0 },
];

function group({ title, unit, better, what, parameter, bars }: Case, seconds: number): Group {
  const contender = (name: string): Contender => ({
    name,
    run: () =>
      runModule<Record<string, number>>(new URL('./run.js', import.meta.url), [
        name,
        what,
        parameter,
        seconds,
      ]),
  });
  const ours = contender(OURS);
  const peers = PEERS.map(contender);
  const comparisons = peers.map(
    (peer): Comparison => ({
      case: title,
      unit,
      metric: 'value',
      better,
      ours,
      peer,
      bar: bars?.[peer.name],
    }),
  );
  return { contenders: [ours, ...peers], comparisons };
}

export const suite: Suite = {
  packages: ['@millrace/task-pool', 'piscina', 'tinypool', 'poolifier', 'workerpool'],
  groups: ({ quick }: SuiteOptions) => cases.map((each) => group(each, quick ? 0.5 : 2)),
  notes: [
    'Each figure is of a process of its own, with as many workers as there are processors. piscina, tinypool, poolifier ' +
      'and workerpool threads are threads of the caller: they share its memory, and end with it when one of them is ' +
      'killed. Ours, workerpool processes and child_process.fork are processes.',
    "With 'millrace, files' 64 KiB go through a file in the temporary directory, each way, as Swoole's do; with pipes they " +
      'always do. Where that is a disk, set TMPDIR to a file system in memory.',
  ],
};
