import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANDSHAKE_BYTES } from '@millrace/reactor/internal';
import { Authority, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { isBase, pidOf, type RunningServer, startServer } from '../support.js';

const MIB = 1 << 20;
const LIMIT = 24 * MIB;

/** What a process that runs handlers as well keeps for its own values. */
const OWN = (isBase ? 96 : 48) * MIB;

/** What holds the clients: reactor threads of the master, or the worker. */
const servant = (server: RunningServer) =>
  isBase ? (pidOf(server, 'millrace: worker 0') as number) : server.program.pid;

/** 0 where the process has ended. */
function resident(pid: number): number {
  try {
    const [, kib] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}

function lastStats({ program }: RunningServer): ServerStats | undefined {
  const last = program.output.lastIndexOf('\nstats {');
  const [, text] = program.output.slice(last).match(/^\nstats (.*)\n/) ?? [];
  return text === undefined ? undefined : (JSON.parse(text) as ServerStats);
}

function statsOf(server: RunningServer, condition: (stats: ServerStats) => boolean): Promise<ServerStats> {
  return until(
    'what the server counts to be so',
    () => {
      const stats = lastStats(server);
      return stats !== undefined && condition(stats) ? stats : undefined;
    },
    { deadlineMs: 30_000 },
  );
}

/** The most that was ever counted, and resident. */
function watch(server: RunningServer) {
  const pid = servant(server);
  const most = { counted: 0, resident: 0, before: resident(pid) };
  const timer = setInterval(() => {
    most.counted = Math.max(most.counted, lastStats(server)?.clientMemory ?? 0);
    most.resident = Math.max(most.resident, resident(pid));
  }, 10);
  onTestFinished(() => clearInterval(timer));
  return most;
}

/** Clients that send `data` and read nothing. */
async function deaf(port: number, count: number, data: Uint8Array, times: number): Promise<Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1').pause();
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) for (let i = 0; i < times; i++) socket.write(data);
  return sockets;
}

const start = (options: Partial<ServerOptions> = {}) =>
  startServer({ spares: 0, reactorNum: 1, maxClientMemory: LIMIT, ...options }, {}, 'fairness');

async function goesOn(good: TestClient, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect(await good.ask(`still ${i}`)).toMatch(new RegExp(`still ${i}$`));
}

test('150 clients that do not read hold no more than maxClientMemory, and give it back when they go', async () => {
  await using server = await start();
  const good = await TestClient.connect(server.lines);
  await goesOn(good, 1);
  const most = watch(server);
  const line = Buffer.alloc(64 << 10, 'x');
  line[line.length - 1] = 10;
  const clients = await deaf(server.lines, 150, line, 100);
  await statsOf(server, ({ clientMemoryHoldCount }) => clientMemoryHoldCount > 20);
  await goesOn(good, 50);
  expect(most.counted).toBeGreaterThan(LIMIT / 2);
  // What one turn may bring is beyond it for a moment.
  expect(most.counted).toBeLessThan(LIMIT + 8 * MIB);
  expect(most.resident - most.before).toBeLessThan(LIMIT + OWN);
  for (const client of clients) client.destroy();
  await statsOf(server, ({ clientMemory, connectionNum }) => connectionNum === 1 && clientMemory < MIB);
  await until(
    'the memory to be given back',
    () => resident(servant(server)) < most.before + (isBase ? 48 : 16) * MIB,
    {
      deadlineMs: 20_000,
    },
  );
  await goesOn(good, 5);
  good.close();
});

test('100 messages of 2 MiB that are never finished: the largest are closed, the others served', async () => {
  await using server = await start({ clientMemoryTimeout: 300, packageMaxLength: 4 * MIB });
  const good = await TestClient.connect(server.lines);
  await goesOn(good, 1);
  const most = watch(server);
  await deaf(server.lines, 100, Buffer.alloc(2 * MIB - 1, 'x'), 1);
  await statsOf(server, ({ clientMemoryCloseCount }) => clientMemoryCloseCount > 0);
  await server.program.printed(/Closed session \d+, which holds \d+ bytes/);
  await goesOn(good, 50);
  expect(most.counted).toBeLessThan(LIMIT + 8 * MIB);
  expect(most.resident - most.before).toBeLessThan(LIMIT + OWN);
  good.close();
});

test('60 clients that send 1 MiB each at once all get through below a bound that has room for few of them', async () => {
  await using server = await start({ clientMemoryTimeout: 60_000 });
  const clients = await Promise.all(Array.from({ length: 60 }, () => TestClient.connect(server.lines)));
  const line = `${'x'.repeat(MIB - 1)}\n`;
  for (const client of clients) client.send(line);
  for (const client of clients) {
    const answer = await client.line(30_000);
    expect(answer).toHaveLength(answer.indexOf(' ') + MIB);
    client.close();
  }
  expect((await statsOf(server, () => true)).clientMemoryCloseCount).toBe(0);
});

test.skipIf(isBase)('the bound is one for all reactor threads together', async () => {
  await using server = await start({ reactorNum: 2, workerNum: 2 });
  const good = await TestClient.connect(server.lines);
  await goesOn(good, 1);
  const most = watch(server);
  const line = Buffer.alloc(64 << 10, 'x');
  line[line.length - 1] = 10;
  const clients = await deaf(server.lines, 150, line, 100);
  await statsOf(server, ({ clientMemoryHoldCount }) => clientMemoryHoldCount > 20);
  await goesOn(good, 50);
  expect(most.counted).toBeLessThan(LIMIT + 16 * MIB);
  for (const client of clients) client.destroy();
  await statsOf(server, ({ clientMemory, connectionNum }) => connectionNum === 1 && clientMemory < MIB);
  good.close();
});

test.runIf(isBase)('what a worker held for its clients counts no longer when it has died', async () => {
  await using server = await start();
  const line = Buffer.alloc(64 << 10, 'x');
  line[line.length - 1] = 10;
  await deaf(server.lines, 50, line, 100);
  await statsOf(server, ({ clientMemory }) => clientMemory > LIMIT / 2);
  process.kill(servant(server), 'SIGKILL');
  await statsOf(server, ({ clientMemory, connectionNum }) => clientMemory === 0 && connectionNum === 0);
  const good = await until('a client of the replacement', async () => {
    const client = await TestClient.connect(server.lines);
    client.send('hello\n');
    await until(
      'an answer, or the end',
      () => client.received.length > 0 || client.ended || client.socket.readableEnded,
    );
    return client.received.length > 0 ? client : undefined;
  });
  good.close();
});

test('handshakes that hang have a quarter of maxClientMemory: the oldest make way, and a client that goes on gets through', async () => {
  const authority = new Authority();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-memory-'));
  onTestFinished(() => {
    authority[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
  const issued = authority.issue('localhost');
  writeFileSync(key, issued.key);
  writeFileSync(cert, issued.cert);
  const tls = { key, cert, handshakeTimeout: 300_000 };
  await using server = await start({ tls, maxClientMemory: 8 * MIB });
  const most = Math.floor((8 * MIB) / 4 / HANDSHAKE_BYTES);
  const hanging = await deaf(server.lines, 500, Buffer.alloc(0), 0);
  let closed = 0;
  for (const socket of hanging) socket.on('close', () => closed++).resume();
  const { clientMemory, clientMemoryCloseCount } = await statsOf(
    server,
    (stats) => stats.clientMemoryCloseCount === 500 - most,
  );
  expect(clientMemoryCloseCount).toBe(500 - most);
  expect(clientMemory).toBe(most * HANDSHAKE_BYTES);
  await until('the ends of those that were broken off', () => closed === 500 - most);
  const good = await TestClient.connectTls(server.lines, { ca: authority.cert, servername: 'localhost' });
  await goesOn(good, 5);
  good.close();
});

test('what the options add up to at worst is said at the start where there is not so much memory', async () => {
  await using server = await start({ maxClientMemory: 2 ** 50 });
  await server.program.printed(/the options add up to .* at worst, and there are/);
});

test('where there is, one short line says it, beside what the kernel may hold for the sockets of all clients', async () => {
  await using server = await start({});
  await server.program.printed(/"kernelBuffers":[1-9]\d*,"msg":"memory at worst: [\d,]+ MiB of [\d,]+ MiB"/);
});
