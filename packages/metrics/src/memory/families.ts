import type { MetricFamily, Sample, SampleLabels } from '../text/family.js';
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
  const [labels = {}, ...ofBuckets] = labelsOf(series);
  switch (metric.type) {
    case 'counter':
      return [{ labels, value: countOf(getDouble(longs, cellsAt)) }];
    case 'gauge':
      return [{ labels, value: getDouble(longs, cellsAt) }];
    case 'histogram': {
      let count = 0;
      const samples = ofBuckets.map((labels, i): Sample => {
        count += getLong(longs, cellsAt + layout.BUCKETS_CELL + i);
        return { suffix: '_bucket', labels, value: count };
      });
      const sum = getDouble(longs, cellsAt + layout.SUM_CELL);
      samples.push({ suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count });
      return samples;
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
    labels: labelsOf(first)[0] ?? {},
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

/** Labels that have been read once: the same objects each time, by which a page knows them again. */
const labels = new WeakMap<SeriesRecord, readonly SampleLabels[]>();

/** Those of a series, and of a histogram those of each of its buckets after it. */
function labelsOf(series: SeriesRecord): readonly SampleLabels[] {
  const known = labels.get(series);
  if (known !== undefined) return known;
  const { metric, values } = series;
  const own = Object.fromEntries(
    metric.labelNames.flatMap((name, i) => (values[i] === '' ? [] : [[name, values[i] as string]])),
  );
  const bounds = metric.type === 'histogram' ? [...metric.buckets, Number.POSITIVE_INFINITY] : [];
  const all = [own, ...bounds.map((le) => ({ ...own, le }))].map((labels) => Object.freeze(labels));
  labels.set(series, all);
  return all;
}
