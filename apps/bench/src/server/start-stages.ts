import { startModule } from '../child.js';
import type { Contender } from '../harness.js';

/** What each process tells of its start, in nanoseconds of the clock that all processes share. */
export interface Stamps {
  readonly role: 'master' | 'manager' | 'worker';
  /** Node runs the program. */
  readonly booted: number;
  /** The server's package is loaded. */
  readonly loaded: number;
  /** The role begins: connections are accepted, the manager starts its processes, or `workerStart`. */
  readonly begun: number;
}

const NS_PER_MS = 1e6;
/** Master, manager, two workers, two task workers. */
const PROCESSES = 6;

const now = () => Number(process.hrtime.bigint());

/** The start of the server, in stages that follow each other; their sum is the whole. */
export const startStages: Contender = {
  name: 'millrace, process',
  async run() {
    const spawned = now();
    const child = startModule(new URL('./start-millrace.js', import.meta.url));
    try {
      const all: Stamps[] = [];
      while (all.length < PROCESSES) all.push(await child.next<Stamps>());
      return stagesOf(spawned, all);
    } finally {
      await child.stop();
    }
  },
};

function stagesOf(spawned: number, all: readonly Stamps[]): Record<string, number> {
  const of = (role: Stamps['role']) => all.filter((stamps) => stamps.role === role);
  const [master] = of('master') as [Stamps];
  const [manager] = of('manager') as [Stamps];
  const workers = of('worker');
  const latest = (stamp: 'booted' | 'loaded' | 'begun') =>
    Math.max(...workers.map((stamps) => stamps[stamp]));
  const ms = (from: number, to: number) => (to - from) / NS_PER_MS;
  return {
    masterBoots: ms(spawned, master.booted),
    masterLoads: ms(master.booted, master.loaded),
    managerBoots: ms(master.loaded, manager.booted),
    managerLoads: ms(manager.booted, manager.begun),
    workersBoot: ms(manager.begun, latest('booted')),
    workersLoad: ms(latest('booted'), latest('begun')),
    accepts: ms(latest('begun'), master.begun),
    whole: ms(spawned, master.begun),
  };
}

export const STAGES: Readonly<Record<string, string>> = {
  masterBoots: "master: Node's own start",
  masterLoads: 'master: loading the package',
  managerBoots: "making what is shared; manager: Node's own start",
  managerLoads: 'manager: loading the package',
  workersBoot: "2 workers and 2 task workers: Node's own start, the last of them",
  workersLoad: 'the same: loading the package, until `workerStart`',
  accepts: 'until the master tells `start`, all processes being ready',
  whole: 'the whole',
};
