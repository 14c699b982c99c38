import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ServerStats } from '../../src/index.js';
import { isBase, startServer } from '../support.js';

// One reactor thread accepts by itself; for several the master does. In base mode each worker gives out ids of its own.
test.each([1, 2])(
  'no more than maxConnections clients are served at once by %d reactor threads; the others are turned away and counted',
  async (reactorNum) => {
    const workerNum = isBase ? 1 : 2;
    const limits = {
      ...{ maxConnections: 3, startSessionId: 1_000, reactorNum, taskWorkerNum: 0 },
      // Ids of base mode have room for those of each worker that there may be.
      ...{ workerNum, maxWorkerNum: workerNum },
    };
    await using server = await startServer(limits, {}, 'sessions');
    const clients = await Promise.all([1, 2, 3].map(() => TestClient.connect(server.lines)));
    const [first, second] = clients as [TestClient, TestClient];
    const ids = await Promise.all(clients.map(async (one) => Number((await one.ask('me')).split(' ')[0])));
    expect(ids.sort()).toEqual([1_000, 1_001, 1_002]);
    const fourth = await TestClient.connect(server.lines);
    await fourth.serverClosed();
    await server.program.printed(/there are maxConnections \(3\)/);
    const stats = JSON.parse(await first.ask('stats')) as ServerStats;
    expect(stats).toMatchObject({ abortCount: 1, acceptCount: 3, connectionNum: 3 });
    second.close();
    // Many come and go, and those that stay keep their place in the table.
    let last = 1_002;
    for (let i = 0; i < 30; i++) {
      const id = await admitted(server.lines);
      expect(id).toBeGreaterThan(last);
      last = id;
    }
    expect(JSON.parse(await first.ask('info 1000')).connectTime).toBeGreaterThan(0);
    for (const client of clients) client.close();
  },
);

test('with enableDelayReceive nothing is read from a client before it is resumed', async () => {
  const options = { enableDelayReceive: true, workerNum: 1, reactorNum: 1, taskWorkerNum: 0 };
  await using server = await startServer(options, {}, 'delayed');
  const client = await TestClient.connect(server.lines);
  client.send('hello\n');
  expect(await client.line()).toBe('resumed true');
  expect(await client.line()).toBe('hello');
  client.close();
});

/** Connects until there is a place, asks for the session's id and leaves. */
function admitted(port: number): Promise<number> {
  return until('a place to be free', async () => {
    const client = await TestClient.connect(port);
    client.send('me\n');
    await until(
      'an answer or the end',
      () => client.received.length > 0 || client.socket.readableEnded || client.ended,
    );
    const [id] = client.received.toString().split(' ');
    client.close();
    return id === '' ? undefined : Number(id);
  });
}

test('with workerMaxConcurrency the messages beyond it wait, slow their clients down, and are all answered', async () => {
  const options = { workerMaxConcurrency: 3, ringSize: 1 << 16 };
  await using server = await startServer(options, {}, 'gate');
  const clients = await Promise.all([1, 2].map(() => TestClient.connect(server.lines)));
  const line = `${'x'.repeat((64 << 10) - 1)}\n`;
  for (const client of clients) for (let i = 0; i < 400; i++) client.send(line);
  await until('all that may', () => server.program.count(/event begun/g) === 3);
  // The rings and the kernel's buffers are full: nothing moves any more.
  let before = -1;
  const waiting = () => clients.reduce((sum, { socket }) => sum + socket.writableLength, 0);
  await until('the clients to be held up', () => {
    const same = waiting() === before;
    before = waiting();
    return same;
  });
  expect(waiting()).toBeGreaterThan(16 << 20);
  expect(server.program.count(/event begun/g)).toBe(3);
  const [, pid] = await server.program.printed(/event worker (\d+)/);
  process.kill(Number(pid), 'SIGCONT');
  for (const client of clients) {
    for (let i = 0; i < 400; i++) {
      expect(await client.line()).toBe('');
      expect(await client.line()).toBe(`xxxx ${line.length - 1} 3`);
    }
    client.close();
  }
});

test('a handler that waits for room does not keep itself waiting when it is the last that may run', async () => {
  await using server = await startServer({ workerMaxConcurrency: 1, socketBufferSize: 2 << 20 }, {}, 'gate');
  const client = await TestClient.connect(server.lines);
  let text = '';
  client.socket.removeAllListeners('data').pause();
  client.socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1').replaceAll('\0', '');
  });
  client.socket.pause();
  client.send('full\nfull\n');
  await server.program.printed(/event begun/);
  client.socket.resume();
  await until('both answers', () => text.match(/full 4 1\n/g)?.length === 2);
  client.close();
});
