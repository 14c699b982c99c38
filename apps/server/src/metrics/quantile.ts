import type { Sample } from '@millrace/metrics/text';

/**
 * The value that the share `q` of the observations does not exceed, from the buckets of one series of a histogram: within a bucket it is
 * where it would be if they were spread evenly, as `histogram_quantile` of Prometheus has it. Undefined where nothing was observed.
 */
export function quantile(
  q: number,
  buckets: readonly Pick<Sample, 'labels' | 'value'>[],
): number | undefined {
  const bounds = buckets.map(({ labels, value }) => ({ bound: Number(labels?.le), count: value }));
  const total = bounds.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let below = { bound: 0, count: 0 };
  for (const bucket of bounds) {
    if (bucket.count >= rank) {
      // Beyond the last bound there is no telling.
      if (bucket.bound === Number.POSITIVE_INFINITY) return below.bound;
      const inside = bucket.count - below.count;
      const share = inside === 0 ? 1 : (rank - below.count) / inside;
      return below.bound + (bucket.bound - below.bound) * share;
    }
    below = bucket;
  }
  return below.bound;
}
