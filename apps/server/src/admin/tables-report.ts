import type { MetricFamily } from '@millrace/metrics/text';
import { TableUsage } from '@millrace/shared-memory/internal';
import { sharedTableName } from '../links/descriptor-names.js';
import { TABLE_READS } from '../metrics/labelled.js';
import type { TableReport } from './work-schemas.js';

/** The tables of the program, which this process knows no more of than their memory tells. */
export class Tables {
  readonly #usages = new Map<string, TableUsage>();

  /** `find`: the descriptors by their names. What some process has written over is told once, and left out. */
  constructor(names: readonly string[], find: (name: string) => number) {
    for (const name of names) {
      try {
        this.#usages.set(name, new TableUsage(find(sharedTableName(name))));
      } catch (error) {
        console.error(`millrace: admin: the table '${name}':`, (error as Error).message);
      }
    }
  }

  /** `families`: what the processes have counted. */
  report(families: readonly MetricFamily[]): TableReport[] {
    const reads = families.find(({ name }) => name === TABLE_READS.name)?.samples ?? [];
    return [...this.#usages].map(([name, usage]) => {
      const count = (outcome: string) => {
        const { value = 0 } =
          reads.find(({ labels }) => labels?.table === name && labels.outcome === outcome) ?? {};
        return Number.isSafeInteger(value) && value > 0 ? value : 0;
      };
      const [hits, misses] = [count('hit'), count('miss')];
      return {
        name,
        rows: Math.min(usage.rows, usage.capacity),
        capacity: usage.capacity,
        bytes: usage.bytes,
        hits,
        misses,
        hitRate: hits + misses === 0 ? null : hits / (hits + misses),
      };
    });
  }
}
