import { isLabelName, isMetricName } from '../text/names.js';
import type { Views } from './cells.js';
import * as layout from './layout.js';

export type MetricKind = 'counter' | 'gauge' | 'histogram';
/** How the parts of a gauge become one value. */
export type Aggregator = 'sum' | 'min' | 'max' | 'average' | 'first';

/** What all processes have to agree on. */
export interface Definition {
  readonly name: string;
  readonly help: string;
  readonly type: MetricKind;
  readonly labelNames: readonly string[];
  /** Of a histogram, ascending; empty otherwise. */
  readonly buckets: readonly number[];
  /** Of a gauge of which each thread has its part. */
  readonly aggregator: Aggregator | undefined;
  readonly maxSeries: number;
}

/** A metric as it is in the memory. Its places were checked, and are not read there again. */
export interface MetricRecord extends Definition {
  /** The unit of the log where it begins. */
  readonly at: number;
  /** Cells of each of its series. */
  readonly cells: number;
  /** In 64-bit and 32-bit units from the start of the memory. */
  readonly lostAt: number;
  readonly shownAt: number;
  /** By the JSON of their label values; parts of gauges by owner as well. */
  readonly series: Map<string, SeriesRecord>;
  /** Sets of label values, of whatever number of parts. */
  readonly labelSets: Set<string>;
}

/** One series: its labels' values, in the order of the metric's label names, '' where there is none, and its cells. */
export interface SeriesRecord {
  readonly metric: MetricRecord;
  readonly values: readonly string[];
  readonly key: string;
  /** The token under which a part was made; 0: it is no part. What is at `ownerAt` may be a later owner's. */
  readonly owner: number;
  /** In 64-bit units from the start of the memory. */
  readonly cellsAt: number;
  /** In 32-bit units from the start of the memory. */
  readonly shownAt: number;
  readonly ownerAt: number;
}

/** The JSON of a record as bytes. */
export function textOf(parts: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(parts));
}

/** Writes a metric at a unit of the memory that is zero. */
export function writeMetric(views: Views, unit: number, definition: Definition, text: Buffer): void {
  const { type, aggregator, buckets, maxSeries } = definition;
  const { words, doubles } = views;
  const at = layout.wordsOf(unit);
  words[at + layout.LENGTH] = layout.metricUnits(buckets.length, text.length);
  words[at + layout.KIND] = layout.METRIC;
  words[at + layout.METRIC_TYPE] = layout.TYPES.indexOf(type);
  words[at + layout.METRIC_AGGREGATOR] = layout.AGGREGATORS.indexOf(aggregator);
  words[at + layout.TEXT_SIZE] = text.length;
  words[at + layout.METRIC_MAX_SERIES] = maxSeries;
  words[at + layout.METRIC_BUCKETS] = buckets.length;
  words[at + layout.METRIC_SHOWN] = 1;
  doubles.set(buckets, unit + layout.METRIC_BOUNDS_UNIT);
  views.bytes.set(text, layout.bytesOf(unit + layout.METRIC_BOUNDS_UNIT + buckets.length));
}

/** Writes a series at a unit of the memory that is zero; `metric` is a unit of the log. */
export function writeSeries(
  views: Views,
  unit: number,
  { at: metric, cells }: MetricRecord,
  owner: number,
  text: Buffer,
): void {
  const { words } = views;
  const at = layout.wordsOf(unit);
  words[at + layout.LENGTH] = layout.seriesUnits(cells, text.length);
  words[at + layout.KIND] = layout.SERIES;
  words[at + layout.SERIES_METRIC] = metric;
  words[at + layout.SERIES_SHOWN] = 1;
  words[at + layout.TEXT_SIZE] = text.length;
  words[at + layout.SERIES_OWNER] = owner;
  views.bytes.set(text, layout.bytesOf(unit + layout.SERIES_CELLS_UNIT + cells));
}

/**
 * Reads the record at a unit of the log, of which `end` units are published. Any process may have written over it: what
 * is wrong with it is given as a text, and nothing is read beyond it.
 */
export function readRecord(
  views: Views,
  position: number,
  end: number,
  metrics: ReadonlyMap<number, MetricRecord>,
): { readonly length: number; readonly record: MetricRecord | SeriesRecord } | string {
  const unit = layout.LOG_UNIT + position;
  const word = (index: number) => views.words[layout.wordsOf(unit) + index] as number;
  const length = word(layout.LENGTH);
  const textSize = word(layout.TEXT_SIZE);
  // The smallest record is that of a series with one cell and a text of two bytes.
  if (length < layout.seriesUnits(1, 2) || length > end - position) return `a length of ${length} units`;
  if (textSize < 2 || textSize > layout.bytesOf(length)) return `a text of ${textSize} bytes`;
  const texts = (from: number) => textsAt(views, layout.bytesOf(unit + from), textSize);
  switch (word(layout.KIND)) {
    case layout.METRIC: {
      const bounds = word(layout.METRIC_BUCKETS);
      if (bounds < 0 || bounds > layout.MOST_BUCKETS) return `${bounds} buckets`;
      if (layout.metricUnits(bounds, textSize) !== length) return `a length of ${length} units`;
      const record = metricAt(views, position, bounds, texts(layout.METRIC_BOUNDS_UNIT + bounds));
      return typeof record === 'string' ? record : { length, record };
    }
    case layout.SERIES: {
      const metric = metrics.get(word(layout.SERIES_METRIC));
      if (metric === undefined) return `a metric at ${word(layout.SERIES_METRIC)}`;
      if (layout.seriesUnits(metric.cells, textSize) !== length) return `a length of ${length} units`;
      const values = texts(layout.SERIES_CELLS_UNIT + metric.cells);
      if (values?.length !== metric.labelNames.length) return `other labels than ${metric.name} has`;
      return { length, record: seriesAt(views, unit, metric, values) };
    }
    default:
      return `the kind ${word(layout.KIND)}`;
  }
}

function metricAt(
  views: Views,
  position: number,
  bounds: number,
  texts: readonly string[] | undefined,
): MetricRecord | string {
  const unit = layout.LOG_UNIT + position;
  const at = layout.wordsOf(unit);
  const [name, help, ...labelNames] = texts ?? [];
  const type = layout.TYPES[views.words[at + layout.METRIC_TYPE] as number];
  const aggregator = layout.AGGREGATORS[views.words[at + layout.METRIC_AGGREGATOR] as number];
  const from = unit + layout.METRIC_BOUNDS_UNIT;
  const buckets = [...views.doubles.subarray(from, from + bounds)];
  if (!isMetricName(name) || help === undefined) return 'no name';
  if (!labelNames.every(isLabelName)) return `labels that cannot be, of ${name}`;
  if (type === undefined || (bounds > 0 && type !== 'histogram')) return `no type, of ${name}`;
  if (!buckets.every((bound, i) => bound > (buckets[i - 1] ?? Number.NEGATIVE_INFINITY)))
    return `buckets in no order, of ${name}`;
  return {
    name,
    help,
    type,
    labelNames,
    buckets,
    aggregator,
    maxSeries: Math.max(0, views.words[at + layout.METRIC_MAX_SERIES] as number),
    at: position,
    cells: layout.cellsOf(type, bounds),
    lostAt: unit + layout.METRIC_LOST_UNIT,
    shownAt: at + layout.METRIC_SHOWN,
    series: new Map(),
    labelSets: new Set(),
  };
}

function seriesAt(views: Views, unit: number, metric: MetricRecord, values: readonly string[]): SeriesRecord {
  const at = layout.wordsOf(unit);
  return {
    metric,
    values,
    key: JSON.stringify(values),
    owner: views.words[at + layout.SERIES_OWNER] as number,
    cellsAt: unit + layout.SERIES_CELLS_UNIT,
    shownAt: at + layout.SERIES_SHOWN,
    ownerAt: at + layout.SERIES_OWNER,
  };
}

function textsAt({ bytes }: Views, from: number, size: number): string[] | undefined {
  try {
    // A copy first: what is parsed does not change meanwhile.
    const texts: unknown = JSON.parse(Buffer.from(bytes.slice(from, from + size)).toString());
    return Array.isArray(texts) && texts.every((text) => typeof text === 'string') ? texts : undefined;
  } catch {
    return undefined;
  }
}

/** Where a series is found among those of its metric: of a gauge's parts each slot of the owners has its own. */
export function seriesKey(valuesKey: string, slot: number | undefined): string {
  return slot === undefined ? valuesKey : `${slot} ${valuesKey}`;
}
