import { type Arguments, writeArguments } from '../channels/arguments.js';
import { runModule } from '../child.js';
import type { Contender, Group } from '../harness.js';
import type { Suite, SuiteOptions } from '../suites.js';
import { runSwoole, swooleMissing } from '../swoole.js';
import type { Operation } from './work.js';

/** What each operation must reach against Swoole's. */
const OPERATIONS: Readonly<Record<Operation, readonly [text: string, bar: number]>> = {
  'timer add': ['add one of 1,000,000 timers', 2],
  'timer clear': ['clear 1,000,000 timers in random order', 5],
  'table set': ['table: set a row of 3 columns', 1],
  'table get': ['table: get a row', 1],
  'table increment': ['table: increment', 1],
  'atomic add': ['atomic: add', 1],
  'mutex pair': ['mutex nobody else wants: lock and unlock', 1],
};

const SMALL = 64;
const LARGE = 64 * 1024;
const WINDOW_MS = 1_000;
const QUICK_WINDOW_MS = 400;

function operation(name: Operation): Group {
  const [text, bar] = OPERATIONS[name];
  const ours: Contender = {
    name: 'millrace',
    run: () => runModule(new URL('./run.js', import.meta.url), [name]),
  };
  const peer: Contender = {
    name: 'Swoole',
    missing: swooleMissing,
    run: () => runSwoole('primitives/primitives.php', [name]),
  };
  const comparison = {
    case: text,
    unit: 'ns',
    metric: 'nanoseconds',
    better: 'less',
    ours,
    peer,
    bar,
  } as const;
  return { contenders: [ours, peer], comparisons: [comparison] };
}

/** One way between two processes. */
function transfers(windowMs: number): Group[] {
  const channel = (mechanism: Arguments['mechanism'], size: number): Contender => ({
    name: mechanism,
    run: () =>
      runModule(
        new URL('../channels/run.js', import.meta.url),
        writeArguments({ mechanism, mode: 'one way', kind: 'bytes', size, windowMs, spin: 0 }),
      ),
  });
  const queue: Contender = {
    name: 'System V queue',
    run: () => runModule(new URL('./queue-run.js', import.meta.url), [SMALL, windowMs]),
  };
  const swoole = (mechanism: 'pipe' | 'queue', size: number): Contender => ({
    name: `Swoole's ${mechanism}`,
    missing: swooleMissing,
    run: () => runSwoole('primitives/transfer.php', [mechanism, size, windowMs]),
  });
  const group = (text: string, peer: Contender, ours: readonly (readonly [Contender, number])[]): Group => ({
    contenders: [...ours.map(([contender]) => contender), peer],
    comparisons: ours.map(([contender, bar]) => ({
      case: `${text}, one way`,
      unit: 'msg/s',
      metric: 'rate',
      better: 'more',
      ours: contender,
      peer,
      bar,
    })),
  });
  return [
    group('64 B, two processes', swoole('pipe', SMALL), [
      [channel('pipe', SMALL), 2],
      [channel('ring', SMALL), 10],
    ]),
    group('64 KiB, two processes', swoole('pipe', LARGE), [
      [channel('pipe', LARGE), 1],
      [channel('ring', LARGE), 1],
    ]),
    group('64 B, System V queue, two processes', swoole('queue', SMALL), [[queue, 1]]),
  ];
}

export const suite: Suite = {
  packages: ['@millrace/timer-heap', '@millrace/shared-memory', '@millrace/pipe-ipc', '@millrace/msg-queue'],
  groups: ({ quick }: SuiteOptions) => [
    ...(Object.keys(OPERATIONS) as Operation[]).map(operation),
    ...transfers(quick ? QUICK_WINDOW_MS : WINDOW_MS),
  ],
  notes: [
    "In one process: each figure after a first round of the same size. Between two: the other side counts; our pipe and ring gather messages, Swoole's pipe has a system call for each.",
  ],
};
