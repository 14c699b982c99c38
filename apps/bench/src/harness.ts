import { type Summary, summarize } from './statistics.js';

/** Something that is measured; each run starts from nothing, in processes of its own. */
export interface Contender {
  readonly name: string;
  /** What it cannot be measured for: the row says so. Default: it can. */
  readonly missing?: string | undefined;
  /** Measures once; returns its figures by metric. */
  readonly run: () => Promise<Readonly<Record<string, number>>>;
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
}

/** Contenders that are run in turns, and what is compared among them. */
export interface Group {
  readonly contenders: readonly Contender[];
  readonly comparisons: readonly Comparison[];
}

/** A row as `--json` writes it; `ratio` above 1 means that ours is better. */
export interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: Summary & { readonly name: string };
  readonly peer: Summary & { readonly name: string };
  readonly ratio: Summary;
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
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, { contenders, comparisons }] of groups.entries()) {
    const figures = new Map<Contender, Record<string, number>[]>();
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
      outcomes.push({ comparison, row: compare(comparison, figures), failure });
    }
  }
  return outcomes;
}

function compare(
  { case: name, unit, metric, better, ours, peer }: Comparison,
  figures: ReadonlyMap<Contender, readonly Record<string, number>[]>,
): Row | undefined {
  const values = (contender: Contender) => figures.get(contender)?.map((figure) => figure[metric] as number);
  const own = values(ours);
  const other = values(peer);
  if (own === undefined || other === undefined) return undefined;
  const ratios = own.map((value, i) => {
    const against = other[i] as number;
    return better === 'more' ? value / against : against / value;
  });
  return {
    case: name,
    unit,
    ours: { name: ours.name, ...summarize(own) },
    peer: { name: peer.name, ...summarize(other) },
    ratio: summarize(ratios),
  };
}
