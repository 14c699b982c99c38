/**
 * Pages of metrics that are no series of a registry: what a program counts by other means, as Prometheus reads it. Needs
 * no shared memory.
 *
 * ```ts
 * import { negotiateContentType, renderFamilies } from '@millrace/metrics/text';
 *
 * const contentType = negotiateContentType(request.headers.accept);
 * response.setHeader('content-type', contentType).end(renderFamilies(families, { contentType }));
 * ```
 *
 * @packageDocumentation
 */
export type { MetricFamily, MetricType, Sample, SampleLabels } from './text/family.js';
export {
  type MetricsContentType,
  OPENMETRICS_CONTENT_TYPE,
  type OpenMetricsContentType,
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RenderOptions,
  renderFamilies,
} from './text/format.js';
export { joinFamilies } from './text/join.js';
export { negotiateContentType } from './text/negotiation.js';
export { MetricsPage } from './text/page.js';
