/**
 * What it costs a server to be looked at: the throughput of an echo while /metrics and /v1/status are read every 100 ms, against that of the
 * same server while nobody looks. `npm run bench:observing [ROUNDS]`, with TCPLOAD for clients in C; it takes three minutes. Exits with 1
 * where the median is below 0.98.
 *
 * The load never ends. A round is a turn of each kind, in an order that changes; a turn is compared with those of its round in which nobody
 * looks. `floor` is what any process costs that takes as much of the processors in the same rhythm, and does nothing with it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startModule } from '../child.js';
import { type Interval, medianWithin } from '../statistics.js';
import { Load } from './load.js';
import { processNamed, processorMs } from './processor-time.js';

const ROUNDS = Number(process.argv[2] ?? 30);
const TURN_MS = 700;
/** Of each turn, before it is measured. */
const SETTLE_MS = 150;
const EVERY_MS = 100;
const WARM_UP_MS = 5_000;
const WARMING_EVERY_MS = 15;
const PATHS = ['/metrics', '/v1/status'];
const LEAST = 0.98;
/** Clients: those that leave no processor free, and one. */
const CLIENTS = [20, 1];
const KINDS = ['alone', 'control', 'watched', 'floor'] as const;
const DEADLINE = { deadline: 1_800_000 };

type Kind = (typeof KINDS)[number];
type Rates = Record<Kind, number>;

/** Processor time that was taken for the looks so far, in milliseconds. */
class Costs {
  looks = 0;
  admin = 0;
  asker = 0;

  /** Of one look. */
  of(process: 'admin' | 'asker'): number {
    return this.looks === 0 ? 0 : this[process] / this.looks;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-observing-'));
const module = (name: string, args: readonly (string | number)[] = [], env = {}) =>
  startModule(new URL(`${name}.js`, import.meta.url), args, { ...DEADLINE, env });
const server = module('server', [], { MILLRACE_RUNTIME_DIR: directory });
const children = [server];
try {
  const { port } = await server.next<{ port: number }>();
  const admin = processNamed(server.pid, 'admin');
  const asker = module('asker', [join(directory, 'observed.sock'), ...PATHS]);
  // The admin process and what asks it are two processes: so are those that do nothing.
  const burners = [module('burner', [EVERY_MS]), module('burner', [EVERY_MS])] as const;
  children.push(asker, ...burners);
  console.log(`${ROUNDS} rounds; medians of the pairs, and where they are with 95 %`);
  for (const clients of CLIENTS) {
    const load = new Load(process.env.TCPLOAD, port, clients);
    try {
      const costs = new Costs();
      // Compilers are at work first, which a monitor that asks for days does not see.
      await tell(asker, WARMING_EVERY_MS);
      await load.rate(WARM_UP_MS);
      await tell(asker, 0);
      for (let i = 0; i < 4; i++) await watched(load, admin, asker, costs);
      const rounds = await measure(load, admin, asker, burners, costs);
      report(clients, rounds, costs);
    } finally {
      load.close();
    }
  }
} finally {
  for (const child of children.toReversed()) await child.end();
  rmSync(directory, { recursive: true, force: true });
}

async function measure(
  load: Load,
  admin: number,
  asker: Child,
  burners: readonly [Child, Child],
  costs: Costs,
): Promise<Rates[]> {
  const rounds: Rates[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rates: Partial<Rates> = {};
    for (let turn = 0; turn < KINDS.length; turn++) {
      // Each kind is in each place as often, and before and behind each other one.
      const kind = KINDS[
        (round % 2 === 0 ? round + turn : round - turn + KINDS.length * ROUNDS) % KINDS.length
      ] as Kind;
      rates[kind] =
        kind === 'watched'
          ? await watched(load, admin, asker, costs)
          : await unwatched(load, burners, kind === 'floor' ? costs : undefined);
    }
    rounds.push(rates as Rates);
  }
  return rounds;
}

async function watched(load: Load, admin: number, asker: Child, costs: Costs): Promise<number> {
  const before = [processorMs(admin), processorMs(asker.pid)] as const;
  await tell(asker, EVERY_MS);
  const rate = await turn(load);
  await tell(asker, 0);
  costs.admin += processorMs(admin) - before[0];
  costs.asker += processorMs(asker.pid) - before[1];
  costs.looks += Math.floor((SETTLE_MS + TURN_MS) / EVERY_MS);
  return rate;
}

/** `costs`: what is burned meanwhile. */
async function unwatched(
  load: Load,
  burners: readonly [Child, Child],
  costs: Costs | undefined,
): Promise<number> {
  if (costs === undefined) return turn(load);
  await tell(burners[0], costs.of('admin'));
  await tell(burners[1], costs.of('asker'));
  const rate = await turn(load);
  for (const burner of burners) await tell(burner, 0);
  return rate;
}

async function turn(load: Load): Promise<number> {
  await load.rate(SETTLE_MS);
  return load.rate(TURN_MS);
}

/** Until it has heard that. */
async function tell(child: Child, what: string | number): Promise<void> {
  child.write(`${what}\n`);
  await child.next();
}

function report(clients: number, rounds: readonly Rates[], costs: Costs): void {
  const ratios = (of: (rates: Rates) => number) => medianWithin(rounds.map(of));
  const nobody = ({ alone, control }: Rates) => (alone + control) / 2;
  const seen = ratios((rates) => rates.watched / nobody(rates));
  console.log(`
${clients} ${clients === 1 ? 'client' : 'clients'}: ${Math.round(medianWithin(rounds.map(nobody)).median)} answers in a second while nobody looks
  control, nobody looks either  ${shown(ratios(({ control, alone }) => control / alone))}
  watched                       ${shown(seen)}
  floor                         ${shown(ratios((rates) => rates.floor / nobody(rates)))}
  watched, against the floor    ${shown(ratios(({ watched, floor }) => watched / floor))}
  a look takes ${costs.of('admin').toFixed(2)} ms of the admin process, and ${costs.of('asker').toFixed(2)} ms of what asks`);
  if (seen.median < LEAST) process.exitCode = 1;
}

function shown({ median, low, high }: Interval): string {
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
