import type { MetricFamily } from '../text/family.js';
import { type ForeignMetric, familyOfJson } from '../text/json.js';

/** What is needed of a registry to be on the page of another: those of prom-client and @prometheus-io/client have it. */
export interface JoinableRegistry {
  getMetricsAsJSON(): Promise<readonly ForeignMetric[]>;
}

export async function familiesOfJoined(registries: Iterable<JoinableRegistry>): Promise<MetricFamily[]> {
  const metrics = await Promise.all([...registries].map((registry) => registry.getMetricsAsJSON()));
  return metrics.flat().map(familyOfJson);
}
