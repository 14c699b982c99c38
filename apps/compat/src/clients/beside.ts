import { fork } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@millrace/testkit';
import { CheckedConnection, question } from '../chaos/asking.js';
import type { Served } from '../start.js';
import { NUISANCES, type NuisanceName } from './nuisances.js';
import { memory, processorMs } from './usage.js';

/** What others pay for clients that cost a server much, in one pair of windows. */
export interface Beside {
  /** What the others' answers took, alone and beside those clients. */
  readonly alone: Cost;
  readonly beside: Cost;
  /** MiB that were added by those clients, by process: the whole of plain node, or the master and its worker. */
  readonly added: Readonly<Record<string, number>>;
  /** Of those clients, closed by the server meanwhile. */
  readonly closed: number;
}

/** Milliseconds of answers, and microseconds of processors that the server took for each of them. */
export interface Cost {
  readonly p50: number;
  readonly p99: number;
  readonly processorUs: number;
}

const CONNECTIONS = 20;
const MIB = 2 ** 20;
/** Ten thousand connections, on a busy machine. */
const READY_MS = 120_000;

/** Measures others alone, and then beside clients of that kind, which are gone when it is over. */
export async function besideNuisance(served: Served, name: NuisanceName, windowMs: number): Promise<Beside> {
  const { port } = served;
  const alone = await costOf(served, windowMs);
  const before = memory(served);

  const child = fork(new URL('./nuisance-process.js', import.meta.url), [name, `${port}`]);
  const ended = once(child, 'exit');
  let [isReady, closed] = [false, 0];
  child.on('message', (message) => {
    if (message === 'ready') isReady = true;
    else closed++;
  });
  const { says } = NUISANCES[name];
  try {
    await until(says, () => isReady || closed > 0, { deadlineMs: READY_MS });
    const beside = await costOf(served, windowMs);
    if (child.exitCode !== null) throw new Error(`${says}: they have ended meanwhile.`);
    const after = memory(served);
    const added = Object.fromEntries(
      Object.entries(after).map(([title, bytes]) => [title, (bytes - (before[title] ?? 0)) / MIB]),
    );
    return { alone, beside, added, closed };
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** Asks over kept connections, one request at a time each, and returns what answers took. */
export async function costOf(served: Served, ms: number): Promise<Cost> {
  const taken: number[] = [];
  const before = processorMs(served);
  const end = performance.now() + ms;
  const one = async () => {
    using connection = await CheckedConnection.open(served.port);
    if (connection === undefined) throw new Error('A client that asks for little was not accepted.');
    while (performance.now() < end) {
      const begun = performance.now();
      const { kind, detail } = await connection.ask(question('one', Buffer.from('small')), {
        timeoutMs: READY_MS,
      });
      if (kind !== 'ok')
        throw new Error(`A client that asks for little was answered otherwise: ${kind} ${detail}`);
      taken.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  const processorUs = ((processorMs(served) - before) * 1_000) / taken.length;
  taken.sort((one, other) => one - other);
  const at = (part: number) => taken[Math.floor(taken.length * part)] as number;
  return { p50: at(0.5), p99: at(0.99), processorUs };
}

/** The middle of several pairs, number by number. */
export function middleOf(pairs: readonly Beside[]): Beside {
  const middle = (number: (pair: Beside) => number) => {
    const all = pairs.map(number).sort((one, other) => one - other);
    return all[all.length >> 1] as number;
  };
  const cost = (which: 'alone' | 'beside'): Cost => ({
    p50: middle((pair) => pair[which].p50),
    p99: middle((pair) => pair[which].p99),
    processorUs: middle((pair) => pair[which].processorUs),
  });
  const roles = Object.keys(pairs[0]?.added ?? {});
  return {
    alone: cost('alone'),
    beside: cost('beside'),
    added: Object.fromEntries(roles.map((role) => [role, middle(({ added }) => added[role] as number)])),
    closed: Math.max(...pairs.map(({ closed }) => closed)),
  };
}
