/** What a metric can be on a page. `unknown` is Prometheus's `untyped`. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'unknown';

/** Labels of one sample, by name. */
export type SampleLabels = Readonly<Record<string, string | number>>;

/** One line of a page. */
export interface Sample {
  /** What follows the family's name: `_bucket`, `_sum`, `_count`. Default: nothing. */
  readonly suffix?: string;
  readonly labels?: SampleLabels;
  readonly value: number;
}

/** A metric with all its series, as a page has it. The name of a counter ends in `_total` or gets that in OpenMetrics. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly Sample[];
}
