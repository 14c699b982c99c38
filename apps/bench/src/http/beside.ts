import { startModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import { proportionalBytes } from '../load/processor-time.js';
import { rest } from '../load/rest.js';
import type { HttpProgram } from './programs.js';
import { LOCAL, loadByOwn } from './under-load.js';

export type NuisanceKind = 'slow' | 'idle' | 'unread';

/** What other clients do while some are measured; in few words, and how many connections do it. */
const NUISANCES: Readonly<Record<NuisanceKind, readonly [what: string, connections: number]>> = {
  slow: ['500 clients whose heads never end', 500],
  idle: ['10,000 idle keep-alive connections', 10_000],
  unread: ['a client that does not read 100 MiB', 1],
};

/** Connections that are measured beside. */
const CONNECTIONS = 20;
const MIB = 2 ** 20;
/** Milliseconds that a nuisance may take, with all that is measured beside it. */
const DEADLINE_MS = 60_000;

/** What others pay, in time and in memory, for clients that cost a server most. */
export function besideNuisances(windowMs: number, ours: HttpProgram, peer: HttpProgram): Group[] {
  return (Object.keys(NUISANCES) as NuisanceKind[]).map((kind) => {
    const [what] = NUISANCES[kind];
    const pair = { ours: beside(kind, windowMs, ours), peer: beside(kind, windowMs, peer) };
    const comparisons: Comparison[] = [
      { ...pair, case: `beside ${what}: p99`, unit: 'us', metric: 'p99', better: 'less' },
      { ...pair, case: `beside ${what}: memory`, unit: 'MiB', metric: 'memory', better: 'less' },
    ];
    const contenders = [pair.ours, pair.peer];
    const figures = contenders.map((contender) => {
      return {
        case: `beside ${what}`,
        unit: 'connections closed',
        metric: 'closed',
        contender,
        over: 'sum',
      } as const;
    });
    return { contenders, comparisons, figures };
  });
}

function beside(kind: NuisanceKind, windowMs: number, { name, missing, start }: HttpProgram): Contender {
  const run = async () => {
    const { child, port, stop } = await start(LOCAL);
    const { pid } = child;
    try {
      await rest(pid);
      const connections = NUISANCES[kind][1];
      const nuisance = startModule(
        new URL('./nuisance.js', import.meta.url),
        [kind, LOCAL, port, JSON.stringify({ connections })],
        { deadline: DEADLINE_MS },
      );
      try {
        await nuisance.next();
        const work = { host: LOCAL, port, connections: CONNECTIONS, windowMs, pid, reopens: true };
        const { p99, closed = 0 } = await loadByOwn(work);
        return { p99, closed, memory: proportionalBytes(pid) / MIB };
      } finally {
        await nuisance.end();
      }
    } finally {
      await stop();
    }
  };
  return { name, missing, run };
}
