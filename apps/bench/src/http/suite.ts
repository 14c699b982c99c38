import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite, SuiteOptions } from '../suites.js';
import { cHello } from './c-hello.js';
import { leanApart, leanOne, leanTwo, leanWebSockets } from './lean-pairs.js';
import { fromMemory, limitOf } from './limit.js';
import { namespaceMissing } from './namespace.js';
import { manner, type Pair } from './pair.js';
import {
  type HttpProgram,
  nodeCluster,
  type ProgramName,
  plain,
  pm2,
  started,
  swooleHttp,
} from './programs.js';
import { type HttpLoad, metricOf, underLoad } from './under-load.js';
import { BROWSER_FIELDS } from './work.js';

const WINDOW_MS = 2_000;
const QUICK_WINDOW_MS = 1_000;
const FEW = 50;
const MANY = 1_000;
const BOTH = [FEW, MANY];

const [process1, base1] = [manner('process', 1), manner('base', 1)];
const [process2, base2] = [manner('process', 2), manner('base', 2)];

/** One worker. A program that is named twice is run once. */
function oneWorker(): Pair[] {
  const node = plain('hello-node', 'node:http');
  const process = started('hello-node', '', process1);
  const base = started('hello-node', '', base1);
  const cluster = nodeCluster(1);
  const frameworks = (['fastify', 'express'] as const).map((name): Pair => {
    const program = `hello-${name}` as const;
    const peer = plain(program, name);
    const rate = name === 'fastify' ? 1.3 : 0.95;
    const row = { ours: started(program, name, process1), peer, rate, limit: program };
    return name === 'express' ? { ...row, headline: 'an Express program, beside node' } : row;
  });
  const limit = 'hello-node';
  return [
    {
      ours: process,
      peer: node,
      rate: 1.3,
      cpu: 1 / 0.7,
      limit,
      headline: 'a node:http program, beside node',
    },
    { ours: process, peer: cluster },
    { ours: process, peer: pm2(1) },
    {
      ours: process,
      peer: swooleHttp(process1),
      rate: 0.75,
    },
    {
      ours: base,
      peer: node,
      rate: 1.2,
      limit: 'hello-node',
      headline: 'a node:http program in base mode, beside node',
    },
    { ours: base, peer: cluster },
    { ours: base, peer: swooleHttp(base1) },
    ...frameworks,
    // What each part costs, which one has and the other has not.
    { ours: process, peer: started('hello-uncut', 'requests not cut', process1) },
  ];
}

function twoWorkers(): Pair[] {
  const process = started('hello-node', '', process2);
  const base = started('hello-node', '', base2);
  const [cluster, pm] = [nodeCluster(2), pm2(2)];
  const limit = 'hello-node';
  const withOptions = (...options: string[]) => started('hello-node', '', { ...process2, options });
  return [
    {
      ours: process,
      peer: cluster,
      rate: 1.2,
      limit,
      headline: 'a node:http program, two workers, beside node:cluster',
    },
    { ours: process, peer: pm },
    { ours: process, peer: swooleHttp(process2) },
    { ours: base, peer: cluster },
    { ours: base, peer: pm },
    { ours: base, peer: swooleHttp(base2) },
    { ours: withOptions('--retry'), peer: process },
    { ours: withOptions('--dispatch', 'least-busy'), peer: process },
  ];
}

/** The client on a network of its own: being woken less often is part of what a local one gains. */
function apart(): Pair[] {
  const missing = namespaceMissing();
  const withWord = (program: HttpProgram): HttpProgram => ({ ...program, missing });
  const node = withWord(plain('hello-node', 'node:http'));
  return [process1, base1].map((each) => ({
    ours: withWord(started('hello-node', '', each)),
    peer: node,
    limit: 'hello-node',
    rate: each === process1 ? 1.3 : 1.2,
  }));
}

function webSockets(): Pair[] {
  const ws = plain('echo-ws', 'ws');
  return [process1, base1].map((each) => ({
    ours: started('echo-ws', 'ws', each),
    peer: ws,
    limit: 'echo-ws',
    ...(each === process1 ? { rate: 1.1, headline: 'an echo over WebSockets (ws), beside node' } : {}),
  }));
}

function group(name: string, load: HttpLoad, pairs: readonly Pair[]): Group {
  const contenders = new Map<HttpProgram, Contender>();
  const run = (program: HttpProgram): Contender => {
    const contender = contenders.get(program) ?? underLoad(program, load);
    contenders.set(program, contender);
    return contender;
  };
  const fed = new Map<ProgramName, Contender>();
  const [few] = load.connections as [number];
  const { windowMs, kind = 'http' } = load;
  const feed = (program: ProgramName): Contender => {
    const contender = fed.get(program) ?? fromMemory(program, { connections: few, windowMs, kind });
    fed.set(program, contender);
    return contender;
  };
  // wrk has no WebSockets, and this has none either: what it receives and sends is as long, about.
  const c = underLoad(cHello(), { ...load, kind: 'http' });
  const compared = pairs.map(({ ours, peer, limit, ...rest }) => {
    const parts = limit && ([feed(limit), c] as const);
    const most = (metric: 'rate' | 'cpu', connections: number) =>
      parts && limitOf(metric, connections, parts);
    return { ...rest, ours: run(ours), peer: run(peer), most };
  });
  const caseOf = (connections: number) => name.replace('*', connections.toLocaleString('en-US'));
  const comparisons = load.connections.flatMap((connections) =>
    compared.flatMap(({ ours, peer, rate, cpu, most, headline }): Comparison[] => [
      {
        ...{
          case: caseOf(connections),
          unit: 'req/s',
          metric: metricOf('rate', connections),
          better: 'more',
        },
        ...{ ours, peer, bar: rate, limit: most('rate', connections) },
        headline: connections === FEW ? headline : undefined,
      },
      {
        case: `${caseOf(connections)}, processor time of the server`,
        ...{ unit: 'us/req', metric: metricOf('cpu', connections), better: 'less' },
        ...{ ours, peer, bar: cpu, limit: most('cpu', connections) },
      },
    ]),
  );
  const limits = fed.size === 0 ? [] : [c, ...fed.values()];
  const present = [...contenders.values()];
  const figures = load.connections.flatMap((connections) => [
    ...present.map((contender) => ({
      ...{ case: `${caseOf(connections)}, p99`, unit: 'us', metric: metricOf('p99', connections) },
      contender,
    })),
    ...limits.map((contender) => ({
      ...{ case: `${caseOf(connections)}, processor time of a part`, unit: 'us/req' },
      metric: contender === c ? metricOf('cpu', connections) : 'cpu',
      contender,
    })),
  ]);
  return { contenders: [...present, ...limits], comparisons, figures };
}

export const suite: Suite = {
  packages: ['@millrace/server', 'express', 'fastify', 'ws', 'pm2'],
  runs: 3,
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    const both = { connections: BOTH, windowMs };
    const few = { connections: [FEW], windowMs };
    return [
      group('hello, 1 worker, * connections', both, oneWorker()),
      group('hello, 2 workers, * connections', both, twoWorkers()),
      group('hello, 1 worker, * connections, client on its own network', { ...few, isApart: true }, apart()),
      group('hello, lean, 1 worker, * connections', few, leanOne()),
      group('hello, lean, 2 workers, * connections', few, leanTwo()),
      group(
        'hello, lean, 1 worker, * connections, nine header fields of a browser',
        { ...few, fields: BROWSER_FIELDS },
        // Each row of the chart once.
        leanOne().map(({ headline: _, ...pair }) => pair),
      ),
      group(
        'hello, lean, 1 worker, * connections, client on its own network',
        { ...few, isApart: true },
        leanApart(namespaceMissing()),
      ),
      group('ws echo of 64 B, 1 worker, * connections', { ...few, kind: 'ws' }, webSockets()),
      group('ws echo of 64 B, lean, 1 worker, * connections', { ...both, kind: 'ws' }, leanWebSockets()),
    ];
  },
  notes: [
    'The programs are those of apps/bench/programs, the same ones for each that runs them; all listen with a backlog of 4,096. Ours has one ' +
      "reactor thread. Load is by wrk with one thread, by this package's own client where there is no wrk and for WebSockets; an answer that " +
      'is not 200, or takes more than 10 s, ends a run. Processor time is that of all processes of a server together, for one request.',
    "Lean: the same program by `serve(handler, { engine: 'lean' })`. The header fields of a browser are those that Firefox sends for a page.",
    "'At most' is what there is to reach: the processor time of the program when it is fed from memory, and that of an epoll loop in C " +
      'which receives and sends. No server that runs the program unchanged takes less, and where all processors are busy, none has more ' +
      'than that much of the rate.',
  ],
};
