import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite, SuiteOptions } from '../suites.js';
import { besideNuisances } from './beside.js';
import { namespaceMissing } from './namespace.js';
import { type HttpProgram, nodeCluster, plain, pm2, started, swooleHttp } from './programs.js';
import { type HttpLoad, underLoad } from './under-load.js';

const WINDOW_MS = 3_000;
const QUICK_WINDOW_MS = 1_000;
const FEW = 50;
const MANY = 1_000;

/** What a peer is to be beaten by. */
interface Bars {
  readonly rate?: number;
  /** Of the processor time: 1 / 0.7 is a bar of 0.7 of the peer's. */
  readonly cpu?: number;
}

type Pair = readonly [ours: HttpProgram, peer: HttpProgram, bars: Bars];

const one = { workers: 1 } as const;
const two = { workers: 2 } as const;

/** One worker. A program that is named twice is run once. */
function oneWorker(): Pair[] {
  const node = plain('hello-node', 'node:http');
  const process = started('hello-node', '', { mode: 'process', ...one });
  const base = started('hello-node', '', { mode: 'base', ...one });
  const cluster = nodeCluster(1);
  const frameworks = (['fastify', 'express'] as const).flatMap((name): Pair[] => {
    const program = `hello-${name}` as const;
    const peer = plain(program, name);
    const bar = name === 'fastify' ? 1.3 : 0.95;
    return [
      [started(program, name, { mode: 'process', ...one }), peer, { rate: bar }],
      [started(program, name, { mode: 'base', ...one }), peer, {}],
    ];
  });
  return [
    [process, node, { rate: 1.3, cpu: 1 / 0.7 }],
    [process, cluster, {}],
    [process, pm2(1), {}],
    [process, swooleHttp({ mode: 'process', ...one }), { rate: 0.75 }],
    [base, node, { rate: 1.2 }],
    [base, cluster, {}],
    [base, swooleHttp({ mode: 'base', ...one }), {}],
    ...frameworks,
  ];
}

function twoWorkers(): Pair[] {
  const process = started('hello-node', '', { mode: 'process', ...two });
  const base = started('hello-node', '', { mode: 'base', ...two });
  const [cluster, pm] = [nodeCluster(2), pm2(2)];
  return [
    [process, cluster, { rate: 1.2 }],
    [process, pm, {}],
    [process, swooleHttp({ mode: 'process', ...two }), {}],
    [base, cluster, {}],
    [base, pm, {}],
    [base, swooleHttp({ mode: 'base', ...two }), {}],
  ];
}

/** The client on a network of its own: being woken less often is part of what a local one gains. */
function apart(): Pair[] {
  const missing = namespaceMissing();
  const withWord = (program: HttpProgram): HttpProgram => ({ ...program, missing });
  const node = withWord(plain('hello-node', 'node:http'));
  return (['process', 'base'] as const).map((mode) => [
    withWord(started('hello-node', '', { mode, ...one })),
    node,
    { rate: mode === 'process' ? 1.3 : 1.2 },
  ]);
}

function webSockets(): Pair[] {
  const ws = plain('echo-ws', 'ws');
  return (['process', 'base'] as const).map((mode) => [
    started('echo-ws', 'ws', { mode, ...one }),
    ws,
    mode === 'process' ? { rate: 1.1 } : {},
  ]);
}

function group(name: string, load: HttpLoad, pairs: readonly Pair[], isApart = false): Group {
  const contenders = new Map<HttpProgram, Contender>();
  const run = (program: HttpProgram): Contender => {
    const contender = contenders.get(program) ?? underLoad(program, load, isApart);
    contenders.set(program, contender);
    return contender;
  };
  const compared = pairs.map(([own, other, bars]) => ({ ours: run(own), peer: run(other), bars }));
  const comparisons = compared.flatMap(({ ours, peer, bars }): Comparison[] => [
    { case: name, unit: 'req/s', metric: 'rate', better: 'more', ours, peer, bar: bars.rate },
    {
      case: `${name}, processor time of the server`,
      unit: 'us/req',
      metric: 'cpu',
      better: 'less',
      ours,
      peer,
      bar: bars.cpu,
    },
  ]);
  const present = [...contenders.values()];
  const figures = present.map((contender) => ({
    case: `${name}, p99`,
    unit: 'us',
    metric: 'p99',
    contender,
  }));
  return { contenders: present, comparisons, figures };
}

export const suite: Suite = {
  packages: ['@millrace/server', 'express', 'fastify', 'ws', 'pm2'],
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    const [few, many] = [FEW, MANY].map((connections) => ({ connections, windowMs })) as [HttpLoad, HttpLoad];
    return [
      group('hello, 1 worker, 50 connections', few, oneWorker()),
      group('hello, 1 worker, 1,000 connections', many, oneWorker()),
      group('hello, 2 workers, 50 connections', few, twoWorkers()),
      group('hello, 2 workers, 1,000 connections', many, twoWorkers()),
      group('hello, 1 worker, 50 connections, client on its own network', few, apart(), true),
      group('ws echo of 64 B, 1 worker, 50 connections', { ...few, kind: 'ws' }, webSockets()),
      ...besideNuisances(
        windowMs,
        started('hello-node', '', { mode: 'process', ...one }),
        plain('hello-node', 'node:http'),
      ),
    ];
  },
  notes: [
    'The programs are those of apps/bench/programs, the same ones for each that runs them. Ours has one reactor thread. Load is ' +
      "by wrk with one thread, by this package's own client where there is no wrk and for WebSockets; an answer that is not 200 ends a " +
      'run. Processor time is that of all processes of a server together, for one request.',
    'Memory is that of all processes of a server, with what they share counted once. 100 MiB are given to `response.end` in one call.',
  ],
};
