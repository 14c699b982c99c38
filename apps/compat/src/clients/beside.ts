import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { until } from '@millrace/testkit';
import { CheckedConnection, question } from '../chaos/asking.js';
import { Served, type StartCommand } from '../start.js';
import { NUISANCES, type NuisanceName } from './nuisances.js';

/** What others pay for clients that cost a server much. */
export interface Beside {
  /** Milliseconds of the others' answers, alone and beside those clients. */
  readonly alone: Latency;
  readonly beside: Latency;
  /** MiB that were added by those clients, by process: the whole of plain node, or the master and its worker. */
  readonly added: Readonly<Record<string, number>>;
  /** Of those clients, closed by the server meanwhile. */
  readonly closed: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const CONNECTIONS = 20;
const WARM_MS = 2_000;
const MIB = 2 ** 20;
/** Ten thousand connections, on a busy machine. */
const READY_MS = 120_000;

export async function besideNuisance(
  name: NuisanceName,
  by: StartCommand,
  windowMs: number,
): Promise<Beside> {
  await using served = await Served.start('clients.js', by);
  const { port } = served;
  await latency(port, WARM_MS);
  const alone = await latency(port, windowMs);
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
    const beside = await latency(port, windowMs);
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

/** Asks over kept connections, one request at a time each, and returns how long answers took. */
async function latency(port: number, ms: number): Promise<Latency> {
  const taken: number[] = [];
  const end = performance.now() + ms;
  const one = async () => {
    using connection = await CheckedConnection.open(port);
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
  taken.sort((one, other) => one - other);
  const at = (part: number) => taken[Math.floor(taken.length * part)] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Proportional set sizes by process: of the master and its worker, or of plain node. */
function memory({ program }: Served): Record<string, number> {
  const sizes: Record<string, number> = {};
  const all = [{ pid: program.pid, title: 'millrace: master' }, ...program.children()];
  if (all.length === 1) return { node: proportionalBytes(program.pid) };
  for (const { pid, title } of all) {
    const role = /^millrace: (master|worker)/.exec(title)?.[1];
    if (role !== undefined) sizes[role] = (sizes[role] ?? 0) + proportionalBytes(pid);
  }
  return sizes;
}

function proportionalBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1]) * 1024;
}
