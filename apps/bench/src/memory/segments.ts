import { runModule } from '../child.js';
import type { Comparison, Contender } from '../harness.js';
import type { Suite } from '../suites.js';

const OPERATIONS = ['read a word', 'write a word', 'atomic add', 'copy 4 KiB'] as const;

function contender(name: string, operation: string): Contender {
  const url = new URL('./segments-run.js', import.meta.url);
  return { name, run: () => runModule<Record<string, number>>(url, [name, operation]) };
}

/** Access to a mapped segment beside the memory that threads of one process share. */
export const segmentCases: Suite = {
  packages: ['@millrace/shared-memory'],
  groups: () =>
    OPERATIONS.map((operation) => {
      const ours = contender('segment', operation);
      const peer = contender('SharedArrayBuffer', operation);
      const comparison: Comparison = {
        case: `segment: ${operation}`,
        unit: 'ns',
        metric: 'nanoseconds',
        better: 'less',
        ours,
        peer,
      };
      return { contenders: [ours, peer], comparisons: [comparison] };
    }),
  notes: ['A SharedArrayBuffer is shared by the threads of one process only; a segment by all processes.'],
};
