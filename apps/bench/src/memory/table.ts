import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Segment } from '@millrace/shared-memory';
import { startModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import { isPeer, peerEntry } from '../peers.js';

const PROCESSES = [1, 2, 4];
const OPERATIONS = ['get', 'set', 'increment'] as const;
type Operation = (typeof OPERATIONS)[number];

/** What Table must reach, with as many processes on both sides. */
const BARS: Partial<Record<string, Partial<Record<Operation, number>>>> = {
  lmdb: { set: 5, get: 3 },
  Redis: { set: 20, get: 20, increment: 20 },
};
/** In memory: no call waits for a disk. */
const DIRECTORY = '/dev/shm';
const WINDOW_MS = 1_000;
const QUICK_WINDOW_MS = 400;

/** Contenders that no process shares with another. */
const ALONE = new Set(['Map']);

/** Looked at when a suite runs: peers are installed before. */
const missing = (): Record<string, string | undefined> => ({
  lmdb: absent('lmdb'),
  'lmdb, batched': absent('lmdb'),
  'better-sqlite3':
    Number(process.versions.node.split('.')[0]) < 22
      ? 'not measured: better-sqlite3 13 needs Node 22'
      : absent('better-sqlite3'),
  Redis: absentRedis(),
  'Redis, pipelined': absentRedis(),
});

function absent(name: string): string | undefined {
  if (isPeer(name)) return peerEntry(name) ? undefined : `absent: ${name} could not be installed`;
  try {
    import.meta.resolve(name);
    return undefined;
  } catch {
    return `absent: ${name} is not installed`;
  }
}

function absentRedis(): string | undefined {
  if (spawnSync('redis-server', ['--version']).error) return 'absent: redis-server is not installed';
  return absent('ioredis');
}

/** Operations a second of all processes together. */
async function measure(
  name: string,
  operation: Operation,
  processes: number,
  windowMs: number,
): Promise<number> {
  const directory = mkdtempSync(join(DIRECTORY, 'millrace-bench-'));
  const table = `/${directory.slice(DIRECTORY.length + 1)}-table`;
  const path = name === 'Table' ? table : join(directory, 'data');
  const redis = name.startsWith('Redis') ? await startRedis(path) : undefined;
  const children = [];
  try {
    for (let i = 0; i < processes; i++) {
      const child = startModule(new URL('./table-run.js', import.meta.url), [
        name,
        path,
        operation,
        String(i === 0 || ALONE.has(name)),
        windowMs,
      ]);
      children.push(child);
      // The first one fills the rows.
      if (i === 0) await child.next();
    }
    for (const child of children.slice(1)) await child.next();
    for (const child of children) child.write('go\n');
    let rate = 0;
    for (const child of children) {
      const { operations, milliseconds } = await child.next<{ operations: number; milliseconds: number }>();
      rate += (operations / milliseconds) * 1e3;
    }
    return rate;
  } finally {
    for (const child of children) await child.end();
    if (redis !== undefined) await stop(redis);
    if (name === 'Table') Segment.unlink(table);
    rmSync(directory, { recursive: true });
  }
}

async function startRedis(socket: string): Promise<ChildProcess> {
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', args, { stdio: 'ignore' });
  const killed = () => redis.kill('SIGKILL');
  process.once('exit', killed);
  redis.once('exit', () => process.removeListener('exit', killed));
  while (!existsSync(socket)) {
    if (redis.exitCode !== null) throw new Error(`redis-server ended with ${redis.exitCode}.`);
    await sleep(10);
  }
  return redis;
}

async function stop(redis: ChildProcess): Promise<void> {
  const exited = once(redis, 'exit');
  redis.kill('SIGTERM');
  await exited;
}

function group(operation: Operation, processes: number, windowMs: number): Group {
  const contender = (name: string, count = processes): Contender => ({
    name: count === processes ? name : `${name}, 1 process`,
    missing: missing()[name],
    run: async () => ({ rate: await measure(name, operation, count, windowMs) }),
  });
  const ours = contender('Table');
  const peers = ['lmdb', 'lmdb, batched', 'better-sqlite3', 'Redis', 'Redis, pipelined'].map((name) =>
    contender(name),
  );
  const map = contender('Map', 1);
  const comparisons = [map, ...peers].map(
    (peer): Comparison => ({
      case: `Table ${operation} of 3 columns, ${processes} process${processes > 1 ? 'es' : ''}`,
      unit: 'op/s',
      metric: 'rate',
      better: 'more',
      ours,
      peer,
      bar: BARS[peer.name]?.[operation],
    }),
  );
  return { contenders: [ours, map, ...peers], comparisons };
}

/** Table against what else several processes can keep rows in. */
export const tableCases = {
  packages: ['@millrace/shared-memory', 'lmdb', 'better-sqlite3', 'ioredis'],
  groups: ({ quick }: { readonly quick: boolean }): readonly Group[] =>
    PROCESSES.flatMap((processes) =>
      OPERATIONS.map((operation) => group(operation, processes, quick ? QUICK_WINDOW_MS : WINDOW_MS)),
    ),
  notes: [
    'Rows of an int64, a float64 and a short text under 10,000 keys; figures are of all processes together. Map is one ' +
      "process's own and shares nothing. lmdb and better-sqlite3 (WAL) keep their files in /dev/shm and synchronise " +
      'nothing. lmdb: each change is seen by all when the call returns, as with Table; batched: up to 1,000 changes ' +
      'are committed together by its own thread. Redis: over a unix socket, each operation waited for; pipelined: 100 ' +
      'at a time.',
  ],
};
