import { type MetricFamily, type MetricsContentType, renderFamilies } from '@millrace/metrics/text';
import { type ServerMetricsInput, serverMetrics } from './definitions.js';

/** The families of a server, without those that it has nothing for. */
export function serverFamilies(input: ServerMetricsInput): MetricFamily[] {
  return serverMetrics
    .map(({ name, help, type, read }) => ({ name, help, type, samples: read(input) }))
    .filter(({ samples }) => samples.length > 0);
}

/** The page of a server's own metrics: what `/metrics` answers. */
export function renderServerMetrics(input: ServerMetricsInput, contentType?: MetricsContentType): string {
  return renderFamilies(serverFamilies(input), { contentType });
}
