/** What several runs of one contender, or of one comparison, come to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Throws for an empty list. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('There is nothing to summarize.');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  return { median, min: sorted[0] as number, max: sorted[sorted.length - 1] as number };
}

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The median, and where that of all there could be is with 95 percent: between two of the values, whatever they are distributed like. */
export function medianWithin(values: readonly number[]): Interval {
  const { median } = summarize(values);
  const sorted = values.toSorted((a, b) => a - b);
  // How many of the values are below the median is binomial, with a deviation of half the root of their number.
  const below = Math.max(0, Math.floor(sorted.length / 2 - 0.98 * Math.sqrt(sorted.length)));
  return { median, low: sorted[below] as number, high: sorted[sorted.length - 1 - below] as number };
}
