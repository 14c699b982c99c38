import { createSocket } from 'node:dgram';
import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { isBase, matrix, pidOf, type RunningServer, startServer, testOfLastingClients } from '../support.js';

const DEEP = 60_000;
/** Messages that a client may have under way, by default. */
const SHARE = matrix.ipc === 'pipe' ? 16 : 32;
const WORKER = 'millrace: worker 0';

/** What the server has counted last, once that satisfies `condition`. */
function statsOf(
  { program }: RunningServer,
  condition: (stats: ServerStats) => boolean,
): Promise<ServerStats> {
  return until('what the server counts to be so', () => {
    const last = program.output.lastIndexOf('\nstats {');
    const [, text] = program.output.slice(last).match(/^\nstats (.*)\n/) ?? [];
    const stats = text === undefined ? undefined : (JSON.parse(text) as ServerStats);
    return stats !== undefined && condition(stats) ? stats : undefined;
  });
}

async function stopped(options: Partial<ServerOptions> = {}) {
  const server = await startServer({ spares: 0, ...options }, {}, 'fairness');
  const [deep, good] = [await TestClient.connect(server.lines), await TestClient.connect(server.lines)];
  expect(await good.ask('first')).toMatch(/^1 first$/);
  const worker = pidOf(server, WORKER) as number;
  process.kill(worker, 'SIGSTOP');
  return { server, deep, good, worker };
}

/** The lines that `client` has got, once they are as many. */
async function lines(client: TestClient, count: number): Promise<string[]> {
  const text = () => client.received.toString().split('\n').slice(0, -1);
  await until(`${count} lines`, () => text().length >= count, { deadlineMs: 30_000 });
  return text();
}

const written = (client: TestClient, data: string) =>
  new Promise<void>((resolve) => client.socket.write(data, () => resolve()));

test('a client that sends 60,000 messages at once costs another one no more than its share', async () => {
  const { server, deep, good, worker } = await stopped();
  await using _ = server;
  const sent = written(deep, 'x\n'.repeat(DEEP));
  if (isBase) await sent;
  else await statsOf(server, ({ clientHoldCount }) => clientHoldCount > 0);
  await written(good, 'mine\n');
  if (!isBase) await statsOf(server, ({ dispatchCount }) => dispatchCount === SHARE + 2);
  process.kill(worker, 'SIGCONT');
  const [, place] = /^(\d+) mine$/.exec(await good.line()) ?? [];
  expect(Number(place)).toBeLessThanOrEqual(2 * SHARE + 2);
  // It gets all of its answers, in order.
  const places = (await lines(deep, DEEP)).map((line) => Number.parseInt(line, 10));
  expect(places).toHaveLength(DEEP);
  expect(places.every((at, i) => i === 0 || at > (places[i - 1] as number))).toBe(true);
  deep.close();
  good.close();
});

/** Datagrams that may be under way to a worker, and that are taken in one turn. */
const DATAGRAMS = isBase ? 64 : 128;

test('a flood of datagrams costs a client no more than their share', async () => {
  const { server, deep, good, worker } = await stopped();
  await using _ = server;
  const flood = createSocket('udp4');
  const sent = (count: number) =>
    Promise.all(
      Array.from(
        { length: count },
        () => new Promise((resolve) => flood.send('0', server.frames, '127.0.0.1', resolve)),
      ),
    );
  if (isBase) await sent(DEEP / 60);
  else
    await until('datagrams to be dropped', async () => {
      await sent(DEEP / 60);
      return statsOf(server, ({ droppedPackets }) => droppedPackets > 0);
    });
  await written(good, 'mine\n');
  if (!isBase) await statsOf(server, ({ dispatchCount }) => dispatchCount === DATAGRAMS + 2);
  process.kill(worker, 'SIGCONT');
  const [, place] = /^(\d+) mine$/.exec(await good.line()) ?? [];
  expect(Number(place)).toBeLessThanOrEqual(2 * DATAGRAMS + 2);
  // Those that come when the worker goes on have room again.
  await sent(1);
  if (!isBase) await statsOf(server, ({ dispatchCount }) => dispatchCount > DATAGRAMS + 2);
  flood.close();
  deep.close();
  good.close();
});

test('maxClientBytes bounds what is on its way as maxClientMessages does', async () => {
  const { server, deep, good, worker } = await stopped({ maxClientBytes: 10_000, maxClientMessages: 1_000 });
  await using _ = server;
  const sent = written(deep, `${'x'.repeat(4_999)}\n`.repeat(40));
  if (isBase) await sent;
  else await statsOf(server, ({ clientHoldCount }) => clientHoldCount > 0);
  await written(good, 'mine\n');
  if (!isBase) await statsOf(server, ({ dispatchCount }) => dispatchCount === 5);
  process.kill(worker, 'SIGCONT');
  expect(Number.parseInt(await good.line(), 10)).toBeLessThanOrEqual(5);
  expect(await lines(deep, 40)).toHaveLength(40);
  deep.close();
  good.close();
});

testOfLastingClients(
  'a client that is held for its share goes on with the replacement of a worker that died',
  async () => {
    const { server, deep, good, worker } = await stopped();
    await using _ = server;
    void written(deep, 'x\n'.repeat(DEEP));
    await statsOf(server, ({ clientHoldCount }) => clientHoldCount > 0);
    process.kill(worker, 'SIGKILL');
    // A stopped process handles nothing: nothing is lost.
    expect(await lines(deep, DEEP)).toHaveLength(DEEP);
    expect(await good.ask('again')).toMatch(/again$/);
    deep.close();
    good.close();
  },
);

test.skipIf(isBase).each(['round-robin', 'idle', 'least-busy', 'uid'] as const)(
  'with dispatchMode %s too it is held, and goes on when a worker that was stopped does',
  async (dispatchMode) => {
    const { server, deep, good, worker } = await stopped({ dispatchMode, workerNum: 2, reactorNum: 1 });
    await using _ = server;
    void written(deep, 'x\n'.repeat(DEEP));
    await statsOf(server, ({ clientHoldCount }) => clientHoldCount > 0);
    process.kill(worker, 'SIGCONT');
    expect(await lines(deep, DEEP)).toHaveLength(DEEP);
    expect(await good.ask('again')).toMatch(/again$/);
    deep.close();
    good.close();
  },
);

testOfLastingClients('a reload in the middle of 60,000 messages loses none and holds nobody up', async () => {
  const server = await startServer({}, {}, 'fairness');
  await using _ = server;
  const deep = await TestClient.connect(server.lines);
  void written(deep, 'x\n'.repeat(DEEP));
  await lines(deep, 1_000);
  process.kill(server.program.pid, 'SIGUSR1');
  expect(await lines(deep, DEEP)).toHaveLength(DEEP);
  deep.close();
});

test('a shutdown in the middle of 60,000 messages ends in order, and what was taken is answered', async () => {
  const server = await startServer({ maxWaitTime: 20_000 }, {}, 'fairness');
  await using _ = server;
  const deep = await TestClient.connect(server.lines);
  void written(deep, 'x\n'.repeat(DEEP));
  await lines(deep, 1_000);
  process.kill(server.program.pid, 'SIGTERM');
  expect((await server.program.ended()).code).toBe(0);
  await deep.serverClosed();
  const places = deep.received
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => Number.parseInt(line, 10));
  expect(places).toEqual(places.map((_, i) => i + 1));
});
