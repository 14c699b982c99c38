import { startModule } from '../child.js';
import type { Contender, Limit } from '../harness.js';

/**
 * As many processes as a server of two workers and two task workers has, one started by the other as there, each of them Node with a module that
 * does nothing else: from the start of the first until the two workers have said so to it, and until all have.
 */
export const bareTree: Contender = {
  name: 'bare Node',
  async run() {
    const before = performance.now();
    const child = startModule(new URL('./bare-parent.js', import.meta.url), ['root']);
    try {
      await child.next<number>();
      const milliseconds = performance.now() - before;
      await child.next<number>();
      return { milliseconds, all: performance.now() - before };
    } finally {
      await child.stop();
    }
  },
};

/** A server whose processes are Node's cannot start in less. */
export const startLimit: Limit = {
  parts: [bareTree],
  of: ([bare]) => bare?.milliseconds ?? Number.NaN,
};
