import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientInfo, ServerStats } from '../../src/index.js';
import { isBase, pidOf, type RunningServer, startServer, testOfLastingClients } from '../support.js';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({}, {}, 'sessions');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Client {
  readonly client: TestClient;
  readonly id: number;
  readonly worker: number;
}

async function connect(): Promise<Client> {
  const client = await TestClient.connect(server.lines);
  const [id, worker] = (await client.ask('me')).split(' ').map(Number);
  return { client, id: id as number, worker: worker as number };
}

const json = async <T>({ client }: Client, line: string): Promise<T> =>
  JSON.parse(await client.ask(line)) as T;

test('a client that has left before its answer costs its worker nothing: send and sendFile give undefined, even where an error would end the process', async () => {
  const { client, id } = await connect();
  const pid = Number((await client.ask('me')).split(' ')[2]);
  client.send('late\n');
  client.close();
  const [, answers] = await server.program.printed(new RegExp(`^event late ${id} (.*)$`, 'm'));
  expect(answers).toBe('undefined undefined');
  expect(isRunning(pid)).toBe(true);
});

/** In the worker of the asking client, and in a task worker. */
describe.each([
  ['a worker', ''],
  ['a task worker', '@'],
])('by id, from %s', (_where, at) => {
  test('a session can be sent to and closed', async () => {
    const [asking, other] = [await connect(), await connect()];
    expect(await json(asking, `${at}send ${other.id} hello`)).toBe(true);
    expect(await other.client.line()).toBe('hello');
    expect(await json(asking, `${at}exists ${other.id}`)).toBe(true);
    expect(await json(asking, `${at}close ${other.id}`)).toBe(true);
    await other.client.serverClosed();
    await until('the session to be gone', async () => !(await json(asking, `${at}exists ${other.id}`)));
    expect(await asking.client.ask(`${at}send ${other.id} hello`)).toBe('undefined');
    expect(await asking.client.ask(`${at}file ${other.id} /etc/hostname`)).toBe('undefined');
    expect(await json(asking, `${at}close ${other.id}`)).toBe(false);
    await server.program.printed(new RegExp(`event close ${other.id} at ${other.worker} true server \\d+`));
    asking.client.close();
  });

  test('a session is described as it is, and for a while after its end', async () => {
    const [asking, other] = [await connect(), await connect()];
    const before = await json<ClientInfo>(asking, `${at}info ${other.id}`);
    expect(before).toMatchObject({
      serverPort: server.lines,
      port: 0,
      socketType: 'tcp',
      remoteIp: '127.0.0.1',
      remotePort: other.client.socket.localPort,
      reactorId: other.id % 2,
      workerId: other.worker,
      sendQueuedBytes: 0,
      protected: false,
      paused: false,
    });
    expect(before.lastReceiveTime).toBeGreaterThanOrEqual(before.connectTime);
    expect(Math.abs(Date.now() - before.connectTime)).toBeLessThan(60_000);
    expect(before.lastDispatchTime).toBe(before.lastReceiveTime);
    await other.client.ask('again');
    const after = await json<ClientInfo>(asking, `${at}info ${other.id}`);
    expect(after.lastReceiveTime).toBeGreaterThanOrEqual(before.lastReceiveTime);
    other.client.close();
    await until('its end', async () => (await asking.client.ask(`${at}info ${other.id}`)) === 'undefined');
    expect(await json(asking, `${at}closedInfo ${other.id}`)).toMatchObject({ closeReason: 'peer' });
    for (const id of ['0', '-1', '1.5', 'NaN', '999999', '1e300'])
      expect(await asking.client.ask(`${at}info ${id}`)).toBe('undefined');
    asking.client.close();
  });

  test('sessions are listed in pages', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, connect));
    const ids = clients.map(({ id }) => id).sort((a, b) => a - b);
    const asking = clients[0] as Client;
    const first = (ids[0] as number) - 1;
    const page = await json<number[]>(asking, `${at}list ${first} 5`);
    expect(page).toEqual(ids.slice(0, 5));
    expect(await json(asking, `${at}list ${page.at(-1)} 100`)).toEqual(ids.slice(5));
    expect(await json(asking, `${at}list ${ids.at(-1)}`)).toEqual([]);
    expect(await json<number[]>(asking, `${at}connections`)).toEqual(expect.arrayContaining(ids));
    for (const { client } of clients) client.close();
  });

  test('a client that is paused is not read from until resume', async () => {
    const [asking, other] = [await connect(), await connect()];
    expect(await json(asking, `${at}pause ${other.id}`)).toBe(true);
    await until('the pause', async () => (await json<ClientInfo>(asking, `${at}info ${other.id}`)).paused);
    const { lastReceiveTime } = await json<ClientInfo>(asking, `${at}info ${other.id}`);
    other.client.send('after the pause\n');
    for (let i = 0; i < 20; i++) await asking.client.ask('time goes by');
    expect(await json(asking, `${at}info ${other.id}`)).toMatchObject({ lastReceiveTime });
    expect(other.client.received).toHaveLength(0);
    expect(await json(asking, `${at}resume ${other.id}`)).toBe(true);
    expect(await other.client.line()).toBe('after the pause');
    for (const { client } of [asking, other]) client.close();
  });

  test('a session is bound once', async () => {
    const [asking, other] = [await connect(), await connect()];
    expect(await json(asking, `${at}bind ${other.id} 4000000000`)).toBe(true);
    await until(
      'the uid',
      async () => (await json<ClientInfo>(asking, `${at}info ${other.id}`)).uid === 4_000_000_000,
    );
    expect(await json(asking, `${at}bind ${other.id} 1`)).toBe(false);
    expect(await json(asking, `${at}bind ${asking.id} -1`)).toMatchObject({ code: 'ERR_MILLRACE_OPTION' });
    for (const { client } of [asking, other]) client.close();
  });

  test('files are sent between what is sent, whole or in part', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-server-'));
    const path = join(directory, 'file');
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251));
    writeFileSync(path, content);
    const [asking, other] = [await connect(), await connect()];
    expect(await json(asking, `${at}send ${other.id} before`)).toBe(true);
    expect(await json(asking, `${at}file ${other.id} ${path}`)).toBe(true);
    expect(await json(asking, `${at}file ${other.id} ${path} 1000 17`)).toBe(true);
    expect(await json(asking, `${at}send ${other.id} after`)).toBe(true);
    expect(await other.client.line()).toBe('before');
    expect((await other.client.take(content.length)).equals(content)).toBe(true);
    expect((await other.client.take(17)).equals(content.subarray(1_000, 1_017))).toBe(true);
    expect(await other.client.line()).toBe('after');
    expect(await json(asking, `${at}file ${other.id} ${path} 0 3000001`)).toMatchObject({
      code: 'ERR_MILLRACE_FILE',
      message: expect.stringContaining('3000000 bytes; 3000001 bytes from 0'),
    });
    expect(await json(asking, `${at}file ${other.id} ${directory}`)).toMatchObject({
      code: 'ERR_MILLRACE_FILE',
    });
    expect(await json(asking, `${at}file ${other.id} ${path}.not`)).toMatchObject({ code: 'ENOENT' });
    rmSync(directory, { recursive: true });
    for (const { client } of [asking, other]) client.close();
  });

  test('a close with reset does not wait for a client that does not read', async () => {
    const [asking, other] = [await connect(), await connect()];
    other.client.socket.pause();
    expect(await asking.client.ask(`${at}flood ${other.id} 60`)).toMatch(/full/);
    expect(await json(asking, `${at}reset ${other.id}`)).toBe(true);
    await server.program.printed(new RegExp(`event close ${other.id} `));
    for (const { client } of [asking, other]) client.close();
  });

  test('of two closes in a row the second is false, and takes nothing back', async () => {
    const [asking, other, another] = [await connect(), await connect(), await connect()];
    expect(await json(asking, `${at}closeTwice ${other.id}`)).toEqual([true, false]);
    expect(await json(asking, `${at}resetThenClose ${another.id}`)).toEqual([true, false]);
    for (const { client } of [other, another]) await client.serverClosed();
    asking.client.close();
  });

  test('a close that waits for a client which does not read is made a reset by the next', async () => {
    const [asking, other] = [await connect(), await connect()];
    other.client.socket.pause();
    expect(await asking.client.ask(`${at}flood ${other.id} 120`)).toMatch(/full/);
    expect(await json(asking, `${at}closeThenReset ${other.id}`)).toEqual([true, true, false]);
    await server.program.printed(new RegExp(`event close ${other.id} `));
    expect(await json(asking, `${at}reset ${other.id}`)).toBe(false);
    for (const { client } of [asking, other]) client.close();
  });

  test('a close under way is made a reset from another process', async () => {
    const [asking, other] = [await connect(), await connect()];
    other.client.socket.pause();
    expect(await asking.client.ask(`${at}flood ${other.id} 120`)).toMatch(/full/);
    expect(await json(asking, `${at}close ${other.id}`)).toBe(true);
    await until('the close to be under way', async () => !(await json(asking, `${at}exists ${other.id}`)));
    const elsewhere = at === '@' ? '' : '@';
    expect(await json(asking, `${elsewhere}close ${other.id}`)).toBe(false);
    expect(await json(asking, `${elsewhere}reset ${other.id}`)).toBe(true);
    await server.program.printed(new RegExp(`event close ${other.id} `));
    for (const { client } of [asking, other]) client.close();
  });
});

test("a plain task without a handler of 'task' is refused, and the name of a task is recognised", async () => {
  const asking = await connect();
  expect(await json(asking, 'plain 0')).toMatchObject({
    code: 'ERR_MILLRACE_HANDLER_MISSING',
    message: expect.stringContaining("server.task('act') runs it"),
  });
  asking.client.close();
});

test('what a task worker has sent by id before its task was done comes before the end', async () => {
  for (let i = 0; i < 30; i++) {
    const { client, id } = await connect();
    client.send(`@send ${id} by id\n`);
    client.finish();
    await client.serverClosed();
    expect(client.received.toString().split('\n').sort()).toEqual(['', 'by id', 'true']);
  }
});

test('what a handler keeps with its session is there at the next message', async () => {
  const { client } = await connect();
  expect(await client.ask('remember the milk')).toBe('remembered');
  expect(await client.ask('recall')).toBe('the milk');
  client.close();
});

test('the counters count what has happened, in any process', async () => {
  const asking = await connect();
  const before = await json<ServerStats>(asking, '@stats');
  const clients = await Promise.all(Array.from({ length: 6 }, connect));
  const open = await json<ServerStats>(asking, '@stats');
  expect(open.acceptCount).toBe(before.acceptCount + 6);
  expect(open.connectionNum).toBe(before.connectionNum + 6);
  expect(open.requestCount).toBe(before.requestCount + 7);
  expect(open.dispatchCount).toBe(before.dispatchCount + 7);
  expect(open.responseCount).toBe(before.responseCount + 7);
  expect(open.totalRecvBytes).toBe(before.totalRecvBytes + 6 * 'me'.length + '@stats'.length);
  expect(open).toMatchObject({ workerNum: 2, taskWorkerNum: 1, userWorkerNum: 0, abortCount: 0 });
  // The one that asks waits for its task.
  expect(open.concurrency).toBe(1);
  expect(open.idleWorkerNum).toBe(1);
  for (const { client } of clients) client.close();
  await until(
    'the closed ones to be counted',
    async () => (await json<ServerStats>(asking, 'stats')).closeCount === before.closeCount + 6,
  );
  const own = await json<ServerStats>(asking, 'stats');
  expect(own.workerRequestCount).toBeGreaterThan(0);
  expect(own.workerConcurrency).toBe(1);
  // In base mode each worker counts its own sessions.
  expect(own.sessionRound).toBeGreaterThanOrEqual(asking.id + (isBase ? 0 : 6));
  asking.client.close();
});

test('where the server listens is known in every process', async () => {
  const { client } = await connect();
  const expected = [{ host: '127.0.0.1', port: server.lines }];
  expect(JSON.parse(await client.ask('addresses 0'))).toEqual(expected);
  expect(JSON.parse(await client.ask('@addresses 0'))).toEqual(expected);
  client.close();
});

testOfLastingClients('the replacement of a worker reads and changes the same sessions', async () => {
  const [asking, other] = [await connect(), await connect()];
  const pid = pidOf(server, `millrace: worker ${asking.worker}`) as number;
  process.kill(pid, 'SIGKILL');
  await until('the replacement', async () => pidOf(server, `millrace: worker ${asking.worker}`) !== pid);
  expect(await json(asking, `info ${asking.id}`)).toMatchObject({
    remotePort: asking.client.socket.localPort,
  });
  expect(await json(asking, `send ${other.id} from the replacement`)).toBe(true);
  expect(await other.client.line()).toBe('from the replacement');
  await until('nothing to be under way that was lost', async () => {
    const { concurrency } = await json<ServerStats>(asking, 'stats');
    return concurrency === 1;
  });
  for (const { client } of [asking, other]) client.close();
});

test('what is sent may be any kind of bytes, which go out whole; anything else is refused by what it is', async () => {
  await using server = await startServer({ workerNum: 1, taskWorkerNum: 0 });
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('bytes')).toBe(`${'whole'.repeat(10)}hi refused 12`);
});
