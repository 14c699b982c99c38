import type { MetricFamily, Sample, SampleLabels } from './family.js';

/** A metric as prom-client's `getMetricsAsJSON` has it. */
export interface JsonMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly JsonValue[];
}

export interface JsonValue {
  readonly value: number;
  readonly labels: SampleLabels;
  /** Of a histogram: with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** What is read of a metric of another library. */
export interface ForeignMetric {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values?: readonly {
    readonly value: number;
    readonly labels: object;
    readonly metricName?: string | undefined;
  }[];
}

export function jsonOf({ name, help, type, samples }: MetricFamily): JsonMetric {
  const values = samples.map(
    ({ suffix, labels = {}, value }): JsonValue => ({
      value,
      labels: Object.fromEntries(
        Object.entries(labels).map(([label, text]) => [
          label,
          text === Number.POSITIVE_INFINITY ? '+Inf' : text,
        ]),
      ),
      ...(suffix === undefined ? {} : { metricName: `${name}${suffix}` }),
    }),
  );
  return { name, help, type, aggregator: 'sum', values };
}

const TYPES = ['counter', 'gauge', 'histogram', 'summary'] as const;

export function familyOfJson({ name, help, type, values = [] }: ForeignMetric): MetricFamily {
  const samples = values.map(({ value, labels, metricName = name }): Sample => {
    const suffix = metricName.startsWith(name) ? metricName.slice(name.length) : '';
    return { labels: labels as SampleLabels, value, ...(suffix === '' ? {} : { suffix }) };
  });
  return { name, help, type: TYPES.find((known) => known === type) ?? 'unknown', samples };
}
