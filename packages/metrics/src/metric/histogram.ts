import { addDouble } from '../memory/cells.js';
import { BUCKETS_CELL, SUM_CELL } from '../memory/layout.js';
import type { SeriesRecord } from '../memory/records.js';
import { homeOf, showIn } from '../registry/home.js';
import { checkBuckets, DEFAULT_BUCKETS } from './buckets.js';
import { Child, type ChildHost, refuseValue, stopwatch } from './child.js';
import type { LabelValues } from './label-tree.js';
import { Metric } from './metric.js';
import { type CollectingOptions, definitionOf, type HistogramOnlyOptions } from './options.js';

export interface HistogramOptions<T extends string>
  extends CollectingOptions<T, Histogram<T>>,
    HistogramOnlyOptions {}

/** One series of a histogram. */
export class HistogramChild extends Child {
  readonly #bounds: readonly number[];

  constructor(
    host: ChildHost,
    values: readonly string[],
    series: SeriesRecord | undefined,
    bounds: readonly number[],
  ) {
    super(host, values, series);
    this.#bounds = bounds;
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) refuseValue(this.host.name, value, 'a histogram takes finite numbers');
    if (!this.ready()) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    // The bucket first: an observation that a death cuts in two is counted.
    Atomics.add(this.longs, this.at + BUCKETS_CELL + bucket, 1n);
    addDouble(this.longs, this.at + SUM_CELL, value);
  }

  /**
   * Adds what was observed elsewhere: so many values in each bucket, the one beyond the last bound included, and their sum. For what is
   * too frequent to be counted here one by one.
   */
  add(counts: ArrayLike<number>, sum: number): void {
    const buckets = this.#bounds.length + 1;
    if (counts.length !== buckets || !Number.isFinite(sum))
      refuseValue(
        this.host.name,
        counts.length,
        `a count for each of its ${buckets} buckets, and a finite sum`,
      );
    if (!this.ready()) return;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const count = counts[bucket] as number;
      if (count > 0) Atomics.add(this.longs, this.at + BUCKETS_CELL + bucket, BigInt(count));
    }
    addDouble(this.longs, this.at + SUM_CELL, sum);
  }

  /** The call that it gives observes the seconds since, and returns them. */
  startTimer(): () => number {
    const elapsed = stopwatch();
    return () => {
      const seconds = elapsed();
      this.observe(seconds);
      return seconds;
    };
  }
}

/** Counts observations by the bucket that they lie in, and sums them, for all threads and processes of its registry. */
export class Histogram<T extends string = string> extends Metric<T, HistogramChild> {
  readonly buckets: readonly number[];
  readonly #own: HistogramChild | undefined;

  constructor(options: HistogramOptions<T>) {
    const buckets = checkBuckets(options?.buckets ?? DEFAULT_BUCKETS);
    const definition = definitionOf('histogram', options, buckets);
    super(definition, options, homeOf(options.registers, definition.name));
    this.buckets = buckets;
    this.#own = this.begin();
    showIn(options.registers, this);
  }

  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  observe(labels: LabelValues<T> | number, value?: number): void {
    if (typeof labels === 'object' && labels !== null) this.child(labels)?.observe(value as number);
    else (this.#own ?? this.labels({})).observe(labels);
  }

  /** The call that it gives observes the seconds since, under these and its own labels, and returns them. */
  startTimer(labels: LabelValues<T> = {}): (labels?: LabelValues<T>) => number {
    const elapsed = stopwatch();
    return (endLabels = {}) => {
      const seconds = elapsed();
      this.child({ ...labels, ...endLabels })?.observe(seconds);
      return seconds;
    };
  }

  /** Puts the series of these labels on the page, before anything is observed. */
  zero(labels: LabelValues<T>): void {
    this.child(labels);
  }

  protected override make(
    host: ChildHost,
    values: readonly string[],
    series: SeriesRecord | undefined,
  ): HistogramChild {
    return new HistogramChild(host, values, series, this.buckets);
  }
}
