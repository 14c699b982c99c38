/**
 * The server's own numbers as a page that Prometheus reads; docs/metrics.md lists them. Loads nothing else of the server.
 *
 * ```ts
 * import { renderServerMetrics } from '@millrace/server/metrics';
 *
 * const page = renderServerMetrics({ stats: server.stats() });
 * ```
 *
 * @packageDocumentation
 */
export {
  type ListenerTraffic,
  type QueueFill,
  type RunningSince,
  type ServerMetric,
  type ServerMetricsInput,
  serverMetrics,
  type TableFill,
} from './metrics/definitions.js';
export { type LabelledMetric, labelledMetrics } from './metrics/labelled.js';
export type { ProcessUsage } from './metrics/process-usage.js';
export { renderServerMetrics, serverFamilies } from './metrics/render.js';
