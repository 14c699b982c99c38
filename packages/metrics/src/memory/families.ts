import type { MetricFamily, Sample } from '../text/family.js';
import { countOf, getDouble, getLong } from './cells.js';
import * as layout from './layout.js';
import type { MetricsMemory } from './metrics-memory.js';
import type { Aggregator, MetricRecord, SeriesRecord } from './records.js';

/** A metric with all its series as a page has it; undefined when it was removed. */
export function familyOf(memory: MetricsMemory, metric: MetricRecord): MetricFamily | undefined {
  const { words } = memory.views;
  if (Atomics.load(words, metric.shownAt) === 0) return undefined;
  const { name, help, type, aggregator } = metric;
  const shown = [...metric.series.values()].filter(({ shownAt }) => Atomics.load(words, shownAt) !== 0);
  const samples =
    aggregator === undefined
      ? shown.flatMap((series) => samplesOf(memory, series))
      : aggregated(memory, shown, aggregator);
  return { name, help, type, samples };
}

function samplesOf({ views: { longs } }: MetricsMemory, series: SeriesRecord): Sample[] {
  const { metric, cellsAt } = series;
  const labels = labelsOf(series);
  switch (metric.type) {
    case 'counter':
      return [{ labels, value: countOf(getDouble(longs, cellsAt)) }];
    case 'gauge':
      return [{ labels, value: getDouble(longs, cellsAt) }];
    case 'histogram': {
      let count = 0;
      const samples = [...metric.buckets, Number.POSITIVE_INFINITY].map((le, i): Sample => {
        count += getLong(longs, cellsAt + layout.BUCKETS_CELL + i);
        return { suffix: '_bucket', labels: { ...labels, le }, value: count };
      });
      const sum = getDouble(longs, cellsAt + layout.SUM_CELL);
      return [...samples, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }];
    }
  }
}

/** One sample for each set of labels, of the parts whose threads live. */
function aggregated(
  memory: MetricsMemory,
  series: readonly SeriesRecord[],
  aggregator: Aggregator,
): Sample[] {
  const { words, longs } = memory.views;
  const alive = new Map<number, boolean>();
  const lives = (owner: number) => {
    const known = alive.get(owner) ?? memory.isAlive(owner);
    alive.set(owner, known);
    return known;
  };
  const values = new Map<string, { readonly first: SeriesRecord; readonly parts: number[] }>();
  for (const part of series) {
    // Pairs with the store in `own`: the value is of the thread that is named here.
    if (!lives(Atomics.load(words, part.ownerAt))) continue;
    const { parts } = values.get(part.key) ?? values.set(part.key, { first: part, parts: [] }).get(part.key)!;
    parts.push(getDouble(longs, part.cellsAt));
  }
  return [...values.values()].map(({ first, parts }) => ({
    labels: labelsOf(first),
    value: AGGREGATES[aggregator](parts),
  }));
}

const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0);

const AGGREGATES: Readonly<Record<Aggregator, (parts: readonly number[]) => number>> = {
  sum,
  min: (parts) => Math.min(...parts),
  max: (parts) => Math.max(...parts),
  average: (parts) => sum(parts) / parts.length,
  first: ([first = 0]) => first,
};

function labelsOf({ metric: { labelNames }, values }: SeriesRecord): Record<string, string> {
  return Object.fromEntries(
    labelNames.flatMap((name, i) => (values[i] === '' ? [] : [[name, values[i] as string]])),
  );
}
