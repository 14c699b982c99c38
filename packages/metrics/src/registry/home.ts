import { MetricsError } from '../errors.js';
import type { MetricsMemory } from '../memory/metrics-memory.js';
import type { AnyMetric } from './registry.js';
import { Registry, register } from './registry.js';

/** Where the numbers of a metric are. */
export interface Home {
  readonly memory: MetricsMemory;
  report(error: MetricsError): void;
}

/** The registry that has the numbers of a metric of this name: the first of those it is shown in. */
export function homeOf(registers: readonly Registry[] | undefined, name: string): Registry {
  const all = registers ?? [register];
  for (const registry of all) {
    if (registry.getSingleMetric(name) === undefined) continue;
    throw new MetricsError(
      'ERR_MILLRACE_METRICS_REGISTERED',
      `The registry has a metric ${name} already, made in this thread. Use that one (getSingleMetric), or remove it first.`,
      { value: name },
    );
  }
  return all[0] ?? Registry.anonymous({ maxSeries: 64 });
}

/** Shows a metric in the registries that it was made for. */
export function showIn(registers: readonly Registry[] | undefined, metric: AnyMetric): void {
  for (const registry of registers ?? [register]) registry.registerMetric(metric);
}
