/** `npm run bench:remote-tasks`: what the network and the engine cost, beside the engines alone and a local pool, in one run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TaskPool } from '@millrace/task-pool';
import { Program } from '@millrace/testkit';
import { ENGINES, type EngineServer } from './engines.js';
import { Host } from './hosts.js';
import { Network } from './network.js';
import { bullmqCaller, type Caller, jetStreamCaller } from './plain-callers.js';
import type * as remoteTasks from './tasks.js';

const MODULE = new URL('./tasks.js', import.meta.url);
const PLAIN = fileURLToPath(new URL('./plain-worker.js', import.meta.url));
const PROCESSES = 2;
const CONCURRENCY = 8;
const ROUNDS = 3;
const out = process.argv[2];

interface Row {
  readonly what: string;
  readonly atOnce: number;
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

mkdirSync('/run/netns', { recursive: true });
const network = new Network();
const address = network.add('engine');
network.add('host1');
const rows: Row[] = [];
try {
  for (let round = 0; round < ROUNDS; round++) {
    await local();
    await ours('bullmq');
    await plain('bullmq', bullmqCaller);
    await plain('bullmq', bullmqCaller, 'sandboxed', ', its sandboxed processors');
    await plain('bullmq', bullmqCaller, 'pooled', ', its worker in front of a local pool');
    await ours('nats');
    await plain('nats', jetStreamCaller);
  }
} finally {
  network.remove();
}
const best = medians(rows);
console.table(best);
if (out !== undefined) writeFileSync(out, `${JSON.stringify(best, undefined, 2)}\n`);

async function local(): Promise<void> {
  await using pool = new TaskPool<typeof remoteTasks>(MODULE, { size: PROCESSES, concurrency: CONCURRENCY });
  await pool.ready();
  await measure('local pool', { run: (value) => pool.run('noop', value), close: async () => {} });
}

async function ours(name: keyof typeof ENGINES): Promise<void> {
  await withEngine(name, async (engine) => {
    const host = await Host.start(network, 'host1', engine, {
      size: PROCESSES,
      concurrency: CONCURRENCY,
      notes: '/dev/null',
    });
    const pool = new TaskPool<typeof remoteTasks>(MODULE, { size: 0, transport: engine.transport() });
    try {
      await pool.ready();
      await measure(`pool over ${engine.name}`, {
        run: (value) => pool.run('noop', value),
        close: async () => {},
      });
    } finally {
      await pool.destroy();
      await host.kill();
    }
  });
}

async function plain(
  name: keyof typeof ENGINES,
  open: (address: string) => Promise<Caller>,
  how: string = name,
  said = '',
): Promise<void> {
  await withEngine(name, async (engine) => {
    const caller = await open(engine.queue);
    const args = [how, engine.queue, String(PROCESSES * CONCURRENCY), String(PROCESSES)];
    await using worker = new Program(PLAIN, { args, by: [...network.on('host1'), process.execPath] });
    await worker.printed(/ready:/);
    await measure(`plain ${engine.name}${said}`, caller);
    await caller.close();
  });
}

async function withEngine(
  name: keyof typeof ENGINES,
  run: (engine: EngineServer) => Promise<void>,
): Promise<void> {
  const engine = new ENGINES[name](address, network.on('engine'));
  await engine.start(false);
  try {
    await run(engine);
  } finally {
    await engine.stop();
    engine.remove();
  }
}

async function measure(what: string, { run }: Caller): Promise<void> {
  await times(run, 1, 50);
  for (const [atOnce, count] of [
    [1, 200],
    [50, 3_000],
  ] as const) {
    const since = performance.now();
    const took = await times(run, atOnce, count);
    const rate = (count / (performance.now() - since)) * 1_000;
    took.sort((a, b) => a - b);
    const at = (share: number) => took[Math.floor(share * (took.length - 1))] as number;
    rows.push({ what, atOnce, rate, p50: at(0.5), p99: at(0.99) });
  }
}

async function times(run: Caller['run'], atOnce: number, count: number): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const loop = async () => {
    while (next < count) {
      const value = next++;
      const since = performance.now();
      if ((await run(value)) !== value) throw new Error(`Task ${value} had the answer of another.`);
      took.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return took;
}

/** The median of the rounds, each figure by itself. */
function medians(all: readonly Row[]): Row[] {
  return [...grouped(all).values()].map((rounds) => {
    const median = (pick: (row: Row) => number) => {
      const sorted = rounds.map(pick).sort((a, b) => a - b);
      return Math.round((sorted[sorted.length >> 1] as number) * 10) / 10;
    };
    const { what, atOnce } = rounds[0] as Row;
    return {
      what,
      atOnce,
      rate: Math.round(median(({ rate }) => rate)),
      p50: median(({ p50 }) => p50),
      p99: median(({ p99 }) => p99),
    };
  });
}

function grouped(all: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of all) {
    const key = `${row.what} ${row.atOnce}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}
