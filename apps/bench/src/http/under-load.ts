import { runModule } from '../child.js';
import type { Contender } from '../harness.js';
import { rest } from '../load/rest.js';
import type { LoadResult } from '../load/work.js';
import { openNamespace } from './namespace.js';
import type { HttpProgram } from './programs.js';
import type { HttpWork } from './work.js';
import { hasWrk, loadByWrk } from './wrk.js';

/** Where servers listen whose client is on the same network. */
const LOCAL = '127.0.0.1';

/** What clients are to do, without where and whom. */
export interface HttpLoad extends Pick<HttpWork, 'windowMs' | 'kind' | 'fields'> {
  /** How many connections there are, first and then; each is measured for itself. */
  readonly connections: readonly number[];
  /** Whether the client has a network of its own. Default false. */
  readonly isApart?: boolean;
}

/** The name of a figure: a contender has one of each for each number of connections. */
export function metricOf(figure: 'rate' | 'cpu' | 'p99', connections: number): string {
  return `${figure} ${connections}`;
}

/** By the client of this package. */
function loadByOwn(work: HttpWork): Promise<LoadResult> {
  return runModule<LoadResult>(new URL('./client.js', import.meta.url), [JSON.stringify(work)], {
    within: work.inside,
  });
}

/** One program under each load, one after the other. */
export function underLoad(
  { name, missing, start }: HttpProgram,
  { connections, kind, fields, windowMs, isApart = false }: HttpLoad,
): Contender {
  const run = async () => {
    const namespace = isApart ? openNamespace() : undefined;
    const { host = LOCAL, inside } = namespace ?? {};
    try {
      const { child, port, stop } = await start(host);
      try {
        const figures: Record<string, number> = {};
        for (const number of connections) {
          await rest(child.pid);
          const work: HttpWork = {
            ...{ host, port, pid: child.pid, connections: number, windowMs },
            ...(kind && { kind }),
            ...(fields && { fields }),
            ...(inside && { inside }),
          };
          const { rate, cpu, p99 } = await (hasWrk && kind !== 'ws' ? loadByWrk(work) : loadByOwn(work));
          figures[metricOf('rate', number)] = rate;
          figures[metricOf('cpu', number)] = cpu;
          figures[metricOf('p99', number)] = p99;
        }
        return figures;
      } finally {
        await stop();
      }
    } finally {
      namespace?.close();
    }
  };
  return { name, missing, run };
}
