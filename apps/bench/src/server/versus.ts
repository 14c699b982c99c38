import type { Comparison, Contender, Group } from '../harness.js';
import type { Work } from '../load/work.js';
import { type Program, underLoad } from './programs.js';

/** Connections of most cases. */
export const MANY = 50;
/** Bytes of messages. */
export const SMALL = 64;
export const LARGE = 64 * 1024;

type Load = Pick<Work, 'connections' | 'depth' | 'bytes' | 'idle' | 'kind'>;

/** What one peer must be beaten by, by metric. */
export interface Bars {
  readonly rate?: number;
  readonly cpu?: number;
  readonly p50?: number;
  readonly idleBytes?: number;
}

const METRICS = {
  rate: { unit: 'msg/s', better: 'more', what: '' },
  cpu: { unit: 'us/msg', better: 'less', what: ', processor time of the server' },
  p50: { unit: 'us', better: 'less', what: ', p50' },
  idleBytes: { unit: 'bytes', better: 'less', what: '' },
  p99: { unit: 'us', better: 'less', what: ', p99' },
} as const;

/** Ours and its peers under one load; with the bars of each peer. */
export function versus(
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
