import { MetricsError } from '../errors.js';
import type { MetricFamily } from './family.js';

/**
 * The families of all, one after the other. A family of a name that is there already adds its series, where the type is the
 * same; a page with two types of one name would be refused as a whole, so one of another type is left out, and reported.
 */
export function joinFamilies(
  own: readonly MetricFamily[],
  joined: readonly MetricFamily[],
  report: (error: MetricsError) => void,
): MetricFamily[] {
  const families = new Map(own.map((family) => [family.name, family]));
  for (const family of joined) {
    const { name, type, samples } = family;
    const there = families.get(name);
    if (there === undefined) {
      families.set(name, family);
    } else if (there.type === type) {
      const known = new Set(there.samples.map(identity));
      const added = samples.filter((sample) => !known.has(identity(sample)));
      families.set(name, { ...there, samples: [...there.samples, ...added] });
    } else {
      report(
        new MetricsError(
          'ERR_MILLRACE_METRICS_JOIN',
          `A joined registry has ${name} as ${type}, and here it is ${there.type}: it is left out. Give one of them another name.`,
          { value: type, limit: there.type },
        ),
      );
    }
  }
  return [...families.values()];
}

function identity({ suffix = '', labels = {} }: MetricFamily['samples'][number]): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([suffix, sorted.map(([name, value]) => [name, String(value)])]);
}
