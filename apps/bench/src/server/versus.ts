import type { Comparison, Contender, Figure, Group, Point } from '../harness.js';
import type { Work } from '../load/work.js';
import type { Program } from './programs.js';
import { type Placement, underLoad } from './under-load.js';

/** Connections of most cases. */
export const MANY = 50;
/** Bytes of messages. */
export const SMALL = 64;
export const LARGE = 64 * 1024;

type Load = Pick<Work, 'connections' | 'depth' | 'bytes' | 'idle' | 'kind' | 'workers' | 'evenly'>;

/** What one peer must be beaten by, by metric. */
export interface Bars {
  readonly rate?: number;
  readonly cpu?: number;
  readonly p50?: number;
  readonly idleBytes?: number;
}

type Peers = readonly (readonly [Program, Bars])[];

/** One of ours and those that it is compared with. */
export type Team = readonly [Program, Peers];

const METRICS = {
  rate: { unit: 'msg/s', better: 'more', what: '' },
  cpu: { unit: 'us/msg', better: 'less', what: ', processor time of the server' },
  p50: { unit: 'us', better: 'less', what: ', p50' },
  idleBytes: { unit: 'bytes', better: 'less', what: '' },
  p99: { unit: 'us', better: 'less', what: ', p99' },
} as const;

/** What is told of each contender beside the rows. */
const TOLD = {
  p50: ['us', 'p50'],
  p99: ['us', 'p99'],
  p999: ['us', 'p99.9'],
  cpu: ['us/msg', 'processor time of the server'],
  clientCpu: ['us/msg', 'processor time of the client'],
} as const;
/** And where it is asked who has the clients. */
const SPREAD = { mostClients: ['connections', 'of the process that has most'] } as const;

type Metrics = readonly (keyof typeof METRICS)[];

export interface VersusOptions {
  /** Where the sides run. Default: anywhere. */
  readonly placement?: Placement;
  /** Where its rates lie on a curve. Default: on none. */
  readonly point?: Point;
  /** Whether latencies and processor time of each contender are told beside the rows. Default false. */
  readonly tell?: boolean;
}

/** Milliseconds under load before anything counts: for runtimes that compile hot code while it runs. */
const WARM_UP_MS = 1_000;

/** Ours and its peers under one load; with the bars of each peer. */
export function versus(
  name: string,
  windowMs: number,
  load: Load,
  ours: Program,
  peers: Peers,
  metrics: Metrics,
  options: VersusOptions = {},
): Group {
  return versusAll(name, windowMs, load, [[ours, peers]], metrics, options);
}

/** Several of ours, each with its peers, under one load; a program that is named twice is run once. */
export function versusAll(
  name: string,
  windowMs: number,
  load: Load,
  teams: readonly Team[],
  metrics: Metrics,
  { placement, point, tell = false }: VersusOptions = {},
): Group {
  const contenders = new Map<Program, Contender>();
  const run = (program: Program): Contender => {
    const contender =
      contenders.get(program) ??
      underLoad(program, { framing: 'length', windowMs, warmUpMs: WARM_UP_MS, ...load }, placement);
    contenders.set(program, contender);
    return contender;
  };
  const pairs = teams.flatMap(([own, peers]) =>
    peers.map(([program, bars]) => ({ ours: run(own), peer: run(program), bars })),
  );
  const comparisons = metrics.flatMap((metric) =>
    pairs.map(({ ours, peer, bars }): Comparison => {
      const { unit, better, what } = METRICS[metric];
      const bar = metric === 'p99' ? undefined : bars[metric];
      const place = metric === 'rate' ? point : undefined;
      return { case: `${name}${what}`, unit, metric, better, ours, peer, bar, point: place };
    }),
  );
  const present = [...contenders.values()];
  const told = { ...(tell && TOLD), ...(load.workers !== undefined && SPREAD) };
  return { contenders: present, comparisons, figures: tellOf(name, present, told) };
}

type Told = Readonly<Record<string, readonly [unit: string, what: string]>>;

function tellOf(name: string, contenders: readonly Contender[], told: Told): Figure[] {
  return Object.entries(told).flatMap(([metric, [unit, what]]) =>
    contenders.map((contender) => ({ case: `${name}, ${what}`, unit, metric, contender })),
  );
}
