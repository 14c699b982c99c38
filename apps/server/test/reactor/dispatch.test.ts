import { connect as netConnect } from 'node:net';
import { isRunning, Program, TestClient, until, within } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerStats } from '../../src/index.js';
import { fixture, pidOf, type RunningServer, startServer } from '../support.js';

/** Who has answered: the session and the worker. */
async function me(client: TestClient): Promise<{ id: number; worker: number }> {
  const [id, worker] = (await client.ask('me')).split(' ').map(Number);
  return { id: id as number, worker: worker as number };
}

function connect(server: RunningServer, count: number): Promise<TestClient[]> {
  return Promise.all(Array.from({ length: count }, () => TestClient.connect(server.lines)));
}

/** Each session has had one connect and one close, both at its own worker. */
async function eventsAtHome(server: RunningServer, id: number): Promise<void> {
  await server.program.printed(new RegExp(`event close ${id} at`));
  const events = [...server.program.output.matchAll(new RegExp(`event (connect|close) ${id} at (\\d)`, 'g'))];
  expect(events.map(([, event, worker]) => `${event} ${worker}`)).toEqual([
    `connect ${id % 2}`,
    `close ${id % 2}`,
  ]);
}

describe('round-robin', () => {
  test('workers take turns, connect and close stay with one, and a death changes nothing', async () => {
    await using server = await startServer({ dispatchMode: 'round-robin', taskWorkerNum: 0 }, {}, 'sessions');
    const [client] = (await connect(server, 1)) as [TestClient];
    const workers: number[] = [];
    for (let i = 0; i < 40; i++) workers.push((await me(client)).worker);
    expect(workers).toEqual(workers.map((_, i) => ((workers[0] as number) + i) % 2));
    const { id } = await me(client);

    const pid = pidOf(server, 'millrace: worker 0') as number;
    process.kill(pid, 'SIGKILL');
    await until('the replacement', () => {
      const now = pidOf(server, 'millrace: worker 0');
      return now !== undefined && now !== pid && !isRunning(pid);
    });
    const after = [await me(client), await me(client), await me(client), await me(client)];
    expect(after.map((one) => one.worker).sort()).toEqual([0, 0, 1, 1]);
    expect(after.every((one) => one.id === id)).toBe(true);
    client.close();
    await server.program.printed(new RegExp(`event close ${id} at ${id % 2}`));

    // A client that has ended its sending is answered by all the workers that have something of it in hand.
    const [ending] = (await connect(server, 1)) as [TestClient];
    const other = (await me(ending)).id;
    ending.send('wait 50\nwait 100\nwait 10\n');
    ending.finish();
    await ending.serverClosed();
    const answers = ending.received.toString().split('\n').filter(Boolean);
    expect(answers.map((line) => line.slice(0, -1))).toEqual(['waited at ', 'waited at ', 'waited at ']);
    expect(new Set(answers).size).toBe(2);
    await eventsAtHome(server, other);
  });

  test('a worker that is stuck holds up what it was given, and no more', async () => {
    await using server = await startServer(
      { dispatchMode: 'round-robin', taskWorkerNum: 0, ringSize: 4_096 },
      {},
      'sessions',
    );
    const [stuck, client] = (await connect(server, 2)) as [TestClient, TestClient];
    const pid = pidOf(server, 'millrace: worker 0') as number;
    await me(client);
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    });
    const line = `${'x'.repeat(1_000)}\n`;
    for (let i = 0; i < 1_000; i++) stuck.send(line);
    // Once the ring of the stuck worker is full, everything goes to the other.
    await until('all but what worker 0 has to be answered', () => stuck.received.length > 850 * line.length);
    process.kill(pid, 'SIGCONT');
    expect((await stuck.take(1_000 * line.length)).equals(Buffer.from(line.repeat(1_000)))).toBe(true);
    for (const one of [stuck, client]) one.close();
  });
});

test('ip: the clients of one address have one worker', async () => {
  await using server = await startServer({ dispatchMode: 'ip', taskWorkerNum: 0 }, {}, 'sessions');
  const from = async (localAddress: string) => {
    const socket = netConnect({ port: server.lines, host: '127.0.0.1', localAddress });
    const data = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write('me\n');
    const [, worker] = String(await within('an answer', data)).split(' ');
    socket.destroy();
    return Number(worker);
  };
  for (let i = 0; i < 3; i++) expect(await from('127.0.0.1')).toBe(1);
  for (let i = 0; i < 3; i++) expect(await from('127.0.0.2')).toBe(0);
});

test('uid: sessions that are bound to one uid have one worker from then on; connect and close are not moved', async () => {
  await using server = await startServer({ dispatchMode: 'uid', taskWorkerNum: 0 }, {}, 'sessions');
  const clients = await connect(server, 4);
  const before = await Promise.all(clients.map(me));
  expect(before.map(({ id, worker }) => worker === id % 2)).toEqual([true, true, true, true]);
  for (const [i, client] of clients.entries())
    expect(await client.ask(`bind ${before[i]?.id} 7`)).toBe('true');
  for (const client of clients) expect((await me(client)).worker).toBe(1);
  for (const client of clients) client.close();
  for (const { id } of before) await eventsAtHome(server, id);
});

test('least-connections: a new session goes to the worker that has the fewest', async () => {
  await using server = await startServer(
    { dispatchMode: 'least-connections', taskWorkerNum: 0 },
    {},
    'sessions',
  );
  const clients: TestClient[] = [];
  const open = async () => {
    const [client] = (await connect(server, 1)) as [TestClient];
    clients.push(client);
    return (await me(client)).worker;
  };
  const first = [await open(), await open(), await open(), await open()];
  expect([...first].sort()).toEqual([0, 0, 1, 1]);
  for (const [i, worker] of first.entries()) if (worker === 0) clients[i]?.close();
  await until('them to be closed', () => server.program.count(/event close \d+ at 0/g) === 2);
  expect([await open(), await open()]).toEqual([0, 0]);
  for (const client of clients) client.close();
});

test('least-busy: what a worker has not finished counts, promises included', async () => {
  await using server = await startServer({ dispatchMode: 'least-busy', taskWorkerNum: 0 }, {}, 'sessions');
  const [busy, client] = (await connect(server, 2)) as [TestClient, TestClient];
  const stats = async () => JSON.parse(await client.ask('stats')) as ServerStats;
  busy.send('wait 2000\n');
  await until('it to be under way', async () => (await stats()).concurrency === 2);
  const workers: number[] = [];
  for (let i = 0; i < 20; i++) workers.push((await me(client)).worker);
  expect(new Set(workers).size).toBe(1);
  expect(await busy.line()).toBe(`waited at ${1 - (workers[0] as number)}`);
  expect((await stats()).concurrency).toBe(1);
  for (const one of [busy, client]) one.close();
});

test('function: a module of the user decides, and its faults cost no client', async () => {
  const dispatchModule = fixture('dispatch').href;
  await using server = await startServer(
    { dispatchMode: 'function', dispatchModule, taskWorkerNum: 0 },
    {},
    'sessions',
  );
  const [client, closing] = (await connect(server, 2)) as [TestClient, TestClient];
  const { id } = await me(client);
  const requests = async () => (JSON.parse(await client.ask('stats')) as ServerStats).workerRequestCount;
  expect(await client.ask('0 at worker 0')).toBe('0 at worker 0');
  expect(await client.ask('1 at worker 1')).toBe('1 at worker 1');
  client.send('x is dropped\n');
  expect(await client.ask('default')).toBe('default');
  expect(await client.ask('this throws')).toBe('this throws');
  await server.program.printed(/the dispatch function has thrown: thrown by the dispatch function/);
  expect(await client.ask('9 is no worker')).toBe('9 is no worker');
  await server.program.printed(/has returned 9; allowed are 0 to 1, 'default', 'discard' or 'close'/);
  expect(await requests()).toBeGreaterThan(0);
  closing.send('close me\n');
  await closing.serverClosed();
  await server.program.printed(/event close \d+ at \d true dispatch/);
  expect(await client.ask(`bind ${id} 5`)).toBe('true');
  expect(await client.ask('u by its uid')).toBe('u by its uid');
  client.close();
  await eventsAtHome(server, id);
});

test('G38 idle: of 16 workers two are slow; all take part, each request is answered once, the slow ones get fewer', async () => {
  await using program = new Program(fixture('uneven'));
  const [, port] = await until('the server', () => program.output.match(/^listening (\d+)/m), {
    deadlineMs: 50_000,
  });
  const CLIENTS = 40;
  const EACH = 100;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(Number(port))));
  const served = new Array<number>(16).fill(0);
  await Promise.all(
    clients.map(async (client) => {
      // So many are under way at a time: what is sent all at once is dealt out before anybody has done anything.
      const DEPTH = 4;
      let next = 0;
      const seen = new Set<string>();
      while (next < DEPTH) client.send(`${next++}\n`);
      for (let i = 0; i < EACH; i++) {
        const [number, worker] = (await client.line()).split(' ');
        if (next < EACH) client.send(`${next++}\n`);
        seen.add(number as string);
        served[Number(worker)] = (served[Number(worker)] as number) + 1;
      }
      expect(seen.size).toBe(EACH);
      client.close();
    }),
  );
  expect(served.reduce((sum, count) => sum + count, 0)).toBe(CLIENTS * EACH);
  expect(served.every((count) => count > 0)).toBe(true);
  const fast = served.slice(2).reduce((sum, count) => sum + count, 0) / 14;
  expect(Math.max(...served.slice(0, 2))).toBeLessThan(fast * 0.75);
});
