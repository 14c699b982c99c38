import { type MetricFamily, type MetricsContentType, renderFamilies } from '@millrace/metrics/text';
import { type ServerMetricsInput, serverMetrics } from './definitions.js';

/** The families of a server, without those that it has nothing for. */
export function serverFamilies(input: ServerMetricsInput): MetricFamily[] {
  const families: MetricFamily[] = [];
  for (const { name, help, type, read } of serverMetrics) {
    const samples = read(input);
    if (samples.length > 0) families.push({ name, help, type, samples });
  }
  return families;
}

/** The page of a server's own metrics: what `/metrics` answers. */
export function renderServerMetrics(input: ServerMetricsInput, contentType?: MetricsContentType): string {
  return renderFamilies(serverFamilies(input), { contentType });
}
