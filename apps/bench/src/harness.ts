import { type Summary, summarize } from './statistics.js';

/** Something that is measured; each run starts from nothing, in processes of its own. */
export interface Contender {
  readonly name: string;
  /** What it cannot be measured for: the row says so. Default: it can. */
  readonly missing?: string | undefined;
  /** Measures once; returns its figures by metric. */
  readonly run: () => Promise<Figures>;
}

/** One line of the result: one of ours against one peer, by one metric. */
export interface Comparison {
  readonly case: string;
  /** Of the values, as printed: `'msg/s'`. */
  readonly unit: string;
  /** The name of the figure that contenders return. */
  readonly metric: string;
  readonly better: 'more' | 'less';
  readonly ours: Contender;
  readonly peer: Contender;
  /** The ratio that must be reached. Default: none. */
  readonly bar?: number | undefined;
  /** What there is to reach at most. Default: not known. */
  readonly limit?: Limit | undefined;
  /** What the chart of those that are not asked for details calls the row. Default: it is not in that. */
  readonly headline?: string | undefined;
  /** Where the row lies on a curve. Default: on none. */
  readonly point?: Point | undefined;
}

/** A value that ours cannot be better than, made of what its parts and the peer have been measured at in the same round. */
export interface Limit {
  readonly parts: readonly Contender[];
  readonly of: (parts: readonly Figures[], peer: Figures) => number;
}

/** Of one run, by metric. */
export type Figures = Readonly<Record<string, number>>;

/** One point of a curve: `{ curve: 'connections', at: 100 }`. */
export interface Point {
  readonly curve: string;
  readonly at: number;
}

/** A figure that is told for itself, there being nothing to compare it with, or more to tell than the ratio. */
export interface Figure {
  readonly case: string;
  readonly unit: string;
  readonly metric: string;
  readonly contender: Contender;
  /** How those of the runs become one. Default `'median'`, with least and most beside it. */
  readonly over?: 'median' | 'sum';
}

/** Contenders that are run in turns, and what is compared among them. */
export interface Group {
  readonly contenders: readonly Contender[];
  readonly comparisons: readonly Comparison[];
  readonly figures?: readonly Figure[];
}

/** A row as `--json` writes it; `ratio` above 1 means that ours is better. */
export interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: Summary & { readonly name: string };
  readonly peer: Summary & { readonly name: string };
  readonly ratio: Summary;
  readonly bar?: number | undefined;
  /** The ratio that there is to reach at most. */
  readonly limit?: Summary | undefined;
  readonly headline?: string | undefined;
  readonly point?: Point | undefined;
}

/** A figure as `--json` writes it. */
export interface Told extends Summary {
  readonly case: string;
  readonly unit: string;
  readonly name: string;
}

/** What a group has come to. */
export interface Outcomes {
  readonly compared: readonly Outcome[];
  readonly told: readonly Told[];
}

export interface Outcome {
  readonly comparison: Comparison;
  /** Undefined when the peer or ours is missing or has failed. */
  readonly row: Row | undefined;
  /** How one of them has failed. Default: neither has. */
  readonly failure?: string | undefined;
}

/** Runs each group's contenders in turns, A B A B, `runs` times, and compares within each round. */
export async function measure(
  groups: readonly Group[],
  runs: number,
  progress: (text: string) => void,
): Promise<Outcomes> {
  const compared: Outcome[] = [];
  const told: Told[] = [];
  for (const [index, { contenders, comparisons, figures: tell = [] }] of groups.entries()) {
    const figures = new Map<Contender, Figures[]>();
    const failures = new Map<Contender, string>();
    const present = contenders.filter(({ missing }) => missing === undefined);
    for (let run = 1; run <= runs; run++) {
      for (const contender of present) {
        if (failures.has(contender)) continue;
        progress(`group ${index + 1} of ${groups.length}, run ${run} of ${runs}: ${contender.name}`);
        try {
          const list = figures.get(contender) ?? [];
          list.push(await contender.run());
          figures.set(contender, list);
        } catch (error) {
          // One that fails takes its own rows away, not what has been measured of the others.
          failures.set(contender, error instanceof Error ? error.message : String(error));
          figures.delete(contender);
        }
      }
    }
    for (const comparison of comparisons) {
      const failure = failures.get(comparison.ours) ?? failures.get(comparison.peer);
      compared.push({ comparison, row: compare(comparison, figures), failure });
    }
    for (const { case: name, unit, metric, contender, over = 'median' } of tell) {
      const values = valuesOf(figures.get(contender), metric);
      if (values === undefined) continue;
      const summary = over === 'sum' ? total(values) : summarize(values);
      told.push({ case: name, unit, name: contender.name, ...summary });
    }
  }
  return { compared, told };
}

/** The sum is the one figure that there is. */
function total(values: readonly number[]): Summary {
  const sum = values.reduce((all, value) => all + value, 0);
  return { median: sum, min: sum, max: sum };
}

function valuesOf(figures: readonly Figures[] | undefined, metric: string): number[] | undefined {
  return figures?.map((figure) => {
    const value = figure[metric];
    if (value === undefined || !Number.isFinite(value)) throw new Error(`A run has no figure '${metric}'.`);
    return value;
  });
}

function compare(
  { case: name, unit, metric, better, ours, peer, bar, limit, headline, point }: Comparison,
  figures: ReadonlyMap<Contender, readonly Figures[]>,
): Row | undefined {
  const own = valuesOf(figures.get(ours), metric);
  const other = valuesOf(figures.get(peer), metric);
  if (own === undefined || other === undefined) return undefined;
  const ratios = (values: readonly number[]) =>
    summarize(
      values.map((value, i) => {
        const against = other[i] as number;
        return better === 'more' ? value / against : against / value;
      }),
    );
  const most = limit && limitsOf(limit, figures.get(peer) ?? [], figures);
  return {
    case: name,
    unit,
    ours: { name: ours.name, ...summarize(own) },
    peer: { name: peer.name, ...summarize(other) },
    ratio: ratios(own),
    bar,
    limit: most && ratios(most),
    headline,
    point,
  };
}

/** By round; undefined when one of its parts is missing or has failed. */
function limitsOf(
  { parts, of }: Limit,
  peer: readonly Figures[],
  figures: ReadonlyMap<Contender, readonly Figures[]>,
): number[] | undefined {
  const rounds = parts.map((part) => figures.get(part));
  if (rounds.includes(undefined)) return undefined;
  return peer.map((against, round) =>
    of(
      rounds.map((all) => all?.[round] as Figures),
      against,
    ),
  );
}
