import type { Comparison, Contender, Group } from '../harness.js';
import type { Work } from '../load/work.js';
import type { Suite, SuiteOptions } from '../suites.js';
import { millrace, nodeCluster, nodeNet, type Program, swoole, underLoad } from './programs.js';

const WINDOW_MS = 2_000;
const QUICK_WINDOW_MS = 1_000;
const SMALL = 64;
const LARGE = 64 * 1024;
const TASK = 100;
const MANY = 50;
const DEEP = 16;

type Load = Pick<Work, 'connections' | 'depth' | 'bytes'>;

/** What one peer must be beaten by, by metric. */
interface Bars {
  readonly rate?: number;
  readonly cpu?: number;
  readonly p50?: number;
}

const METRICS = {
  rate: { unit: 'msg/s', better: 'more', what: '' },
  cpu: { unit: 'us/msg', better: 'less', what: ', processor time of the server' },
  p50: { unit: 'us', better: 'less', what: ', p50' },
  p99: { unit: 'us', better: 'less', what: ', p99' },
} as const;

/** Ours and its peers under one load; with the bars of each peer. */
function versus(
  name: string,
  windowMs: number,
  load: Load,
  ours: Program,
  peers: readonly (readonly [Program, Bars])[],
  metrics: readonly (keyof typeof METRICS)[],
): Group {
  const run = (program: Program): Contender => underLoad(program, { framing: 'length', windowMs, ...load });
  const own = run(ours);
  const others = peers.map(([program, bars]) => ({ contender: run(program), bars }));
  const comparisons = metrics.flatMap((metric) =>
    others.map(({ contender, bars }): Comparison => {
      const { unit, better, what } = METRICS[metric];
      const bar = metric === 'p99' ? undefined : bars[metric];
      return { case: `${name}${what}`, unit, metric, better, ours: own, peer: contender, bar };
    }),
  );
  return { contenders: [own, ...others.map(({ contender }) => contender)], comparisons };
}

function echoes(windowMs: number): Group[] {
  const one = { reactors: 1, workers: 1 };
  const swooleProcess = swoole({ mode: 'process', ...one });
  const swooleBase = swoole({ mode: 'base', ...one });
  return [
    versus(
      'echo 64 B, 50 connections',
      windowMs,
      { connections: MANY, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { rate: 2, cpu: 2 }],
        [swooleBase, {}],
        [nodeNet, { rate: 1.5 }],
        [nodeCluster(2), { rate: 1.5 }],
      ],
      ['rate', 'cpu', 'p99'],
    ),
    versus(
      'echo 64 B, 50 connections, 16 deep',
      windowMs,
      { connections: MANY, depth: DEEP, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { rate: 10, cpu: 10 }],
        [swooleBase, {}],
        [nodeNet, { rate: 1.5 }],
        [nodeCluster(2), { rate: 1.5 }],
      ],
      ['rate', 'cpu', 'p99'],
    ),
    versus(
      'echo 64 B, 1 connection',
      windowMs,
      { connections: 1, bytes: SMALL },
      millrace(one),
      [
        [swooleProcess, { p50: 1 }],
        [swooleBase, {}],
        [nodeNet, {}],
      ],
      ['p50', 'p99'],
    ),
    versus(
      'echo 64 KiB, 50 connections',
      windowMs,
      { connections: MANY, bytes: LARGE },
      millrace(one),
      [
        [swooleProcess, { rate: 1.5 }],
        [swooleBase, {}],
        [nodeNet, {}],
      ],
      ['rate', 'cpu'],
    ),
  ];
}

function tasks(windowMs: number): Group[] {
  const one = { reactors: 1, workers: 1, taskWorkers: 1 };
  const socket = swoole({ ...one, taskIpc: 'socket' }, 'Swoole, socket tasks');
  const queue = swoole({ ...one, taskIpc: 'queue' }, 'Swoole, queue tasks');
  const sizes: (readonly [string, number, number])[] = [
    ['100 B', TASK, 2],
    ['64 KiB', LARGE, 4],
  ];
  return sizes.map(([size, bytes, bar]) =>
    versus(
      `receive, task, finish, send ${size}, 50 connections`,
      windowMs,
      { connections: MANY, bytes },
      millrace(one, 'millrace, tasks'),
      [
        [socket, { rate: bar }],
        [queue, { rate: bar }],
      ],
      ['rate', 'cpu', 'p99'],
    ),
  );
}

export const suite: Suite = {
  packages: ['@millrace/server', '@millrace/reactor', '@millrace/native'],
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    return [...echoes(windowMs), ...tasks(windowMs)];
  },
  notes: [
    'Every server has one reactor and one worker where it has them, and each connection a number of messages in flight; ' +
      'every answer is compared. The client is a process on the same machine. Processor time is that of all processes ' +
      'of a server together, for one message.',
  ],
};
