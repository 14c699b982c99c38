import { connect, type Socket } from 'node:net';
import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { isBase } from '../support.js';
import { AdminServer } from './admin-client.js';

/** The reports of the two listeners of the server. */
async function listenersOf(server: AdminServer) {
  return (await server.get('/v1/listeners')).body.listeners;
}

/** A connection of the second listener. */
async function second(server: AdminServer): Promise<Socket> {
  const [, { port }] = await listenersOf(server);
  return await new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket)).on('error', reject);
  });
}

// Where the master accepts, and where a reactor does.
describe.each(isBase ? [2] : [1, 2])('with %d reactors', (reactorNum) => {
  test('each listener tells of its own clients, messages and bytes, in all and in a second', async () => {
    await using server = await AdminServer.started({ ...(!isBase && { reactorNum }) }, { SECOND: '1' });
    const first = await TestClient.connect(await server.port());
    for (const line of ['a', 'bc', 'def']) expect(await first.ask(line)).toBe(line);
    const socket = await second(server);
    socket.write('hello\n');
    await until('its clients are counted', async () => (await listenersOf(server))[1].messagesOut === 1);
    const socketToLeave = await second(server);
    socketToLeave.destroy();
    await until('one of its clients has left', async () => {
      const [, { accepted, connections }] = await listenersOf(server);
      return accepted === 2 && connections === 1;
    });
    const [one, two] = await listenersOf(server);
    expect(one).toMatchObject({
      ...{ index: 0, connections: 1, accepted: 1, refused: 0 },
      ...{ messagesIn: 3, messagesOut: 3, bytesIn: 6, bytesOut: 9 },
    });
    expect(two).toMatchObject({
      ...{ index: 1, connections: 1, accepted: 2, refused: 0 },
      ...{ messagesIn: 1, messagesOut: 1, bytesIn: 5, bytesOut: 6 },
    });
    const { body: status } = await server.get('/v1/status');
    expect(status.messages).toMatchObject({ bytesIn: 11, bytesOut: 15 });
    const { text } = await server.get('/metrics');
    expect(text).toContain(
      `millrace_listener_received_bytes_total{listener="1",address="127.0.0.1:${two.port}"} 5\n`,
    );
    await until('a second with messages', async () => {
      await first.ask('again');
      const [{ rates }, { rates: others }] = await listenersOf(server);
      return rates?.messagesIn > 0 && rates.bytesOut > rates.bytesIn && others.messagesIn === 0;
    });
    first.close();
    socket.destroy();
  });

  test('a client too many is refused by the listener that it came to', async () => {
    await using server = await AdminServer.started(
      { maxConnections: 1, ...(!isBase && { reactorNum }) },
      { SECOND: '1' },
    );
    const first = await TestClient.connect(await server.port());
    await first.ask('a');
    (await second(server)).on('error', () => {}).resume();
    await until('it is refused', async () => (await listenersOf(server))[1].refused === 1);
    expect((await listenersOf(server)).map(({ refused }: { refused: number }) => refused)).toEqual([0, 1]);
    first.close();
  });
});

test('what connections are closed for is counted, on the page and in the status', async () => {
  await using server = await AdminServer.started({}, { SECOND: '1' });
  const closedBy = async () => (await server.get('/v1/status')).body.connections.closedBy;
  const closed = (cause: string, count: number) =>
    until(`${count} closed for ${cause}`, async () => (await closedBy())[cause] === count);
  (await TestClient.connect(await server.port())).close();
  await closed('client', 1);
  const left = await TestClient.connect(await server.port());
  left.send('leave\n');
  await closed('server', 1);
  (await second(server)).resetAndDestroy();
  await closed('reset', 1);
  (await second(server)).on('error', () => {}).write('x'.repeat(65));
  await closed('malformed', 1);
  const silent = await second(server);
  await closed('heartbeat', 1);
  const { text } = await server.get('/metrics');
  expect(text).toContain('millrace_connections_closed_total{cause="heartbeat"} 1\n');
  const counts = Object.values(await closedBy()) as number[];
  const { body } = await server.get('/v1/status');
  expect(counts.reduce((all, count) => all + count, 0)).toBe(body.connections.closed);
  silent.destroy();
  left.close();
});

test.runIf(isBase)('connections of a worker that died are counted as closed with it', async () => {
  await using server = await AdminServer.started({ workerNum: 1 });
  const client = await TestClient.connect(await server.port());
  await client.ask('a');
  process.kill((await server.process('worker:0')).pid, 'SIGKILL');
  await until('its connection is counted', async () => {
    const { body } = await server.get('/v1/status');
    return body.connections.closedBy.worker_died === 1;
  });
  expect((await listenersOf(server))[0]).toMatchObject({ accepted: 1, connections: 0 });
  client.close();
});
