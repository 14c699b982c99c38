/**
 * Counters, gauges and histograms in memory that threads and processes share, with the calls of prom-client: exact, whoever
 * counts at the same time, and kept when a process is killed.
 *
 * ```ts
 * import { Counter, register } from '@millrace/metrics';
 *
 * const requests = new Counter({ name: 'requests_total', help: 'Requests.', labelNames: ['method'] });
 * requests.inc({ method: 'GET' });
 * console.log(await register.metrics());
 * ```
 *
 * @packageDocumentation
 */
export { MetricsError, type MetricsErrorCode } from './errors.js';
export type { Aggregator } from './memory/records.js';
export { exponentialBuckets, linearBuckets } from './metric/buckets.js';
export { Counter, type CounterChild, type CounterOptions } from './metric/counter.js';
export { Gauge, type GaugeChild, type GaugeOptions } from './metric/gauge.js';
export { Histogram, type HistogramChild, type HistogramOptions } from './metric/histogram.js';
export type { LabelValues } from './metric/label-tree.js';
export type { CollectingOptions, HistogramOnlyOptions, MetricOptions } from './metric/options.js';
export type { JoinableRegistry } from './registry/joined.js';
export type { RegistryOptions } from './registry/options.js';
export { type AnyMetric, Registry, register } from './registry/registry.js';
export { INHERITANCE_VARIABLE } from './registry/sources.js';
export {
  OPENMETRICS_CONTENT_TYPE as openMetricsContentType,
  PROMETHEUS_CONTENT_TYPE as contentType,
  PROMETHEUS_CONTENT_TYPE as prometheusContentType,
} from './text/format.js';
export type { ForeignMetric, JsonMetric, JsonValue } from './text/json.js';
export * from './text.js';
