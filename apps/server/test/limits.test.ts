import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ServerStats } from '../src/index.js';
import { startServer } from './support.js';

test('no more than maxConnections clients are served at once; the others are turned away and counted', async () => {
  const limits = { maxConnections: 3, startSessionId: 1_000, workerNum: 1, reactorNum: 1, taskWorkerNum: 0 };
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
});

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
