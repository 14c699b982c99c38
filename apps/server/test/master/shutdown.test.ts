import { isRunning, TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type RunningServer, startServer, Visitor } from '../support.js';

/** As few processes as there can be: what is shown needs no more. */
const ALONE = { workerNum: 1, taskWorkerNum: 0 };

async function stopped(server: RunningServer, signal: NodeJS.Signals): Promise<string> {
  const pids = server.program.children().map(({ pid }) => pid);
  server.program.kill(signal);
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(pids.filter(isRunning)).toEqual([]);
  return server.program.output;
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends everything in order', async (signal) => {
  await using server = await startServer();
  const output = await stopped(server, signal);
  const events = [...output.matchAll(/event (workerStop \d|managerStop|shutdown)/g)].map(
    ([, event]) => event,
  );
  // Workers in any order among themselves, then task workers, then the manager, then the master.
  expect(events.slice(0, 2).sort()).toEqual(['workerStop 0', 'workerStop 1']);
  expect(events.slice(2)).toEqual(['workerStop 2', 'managerStop', 'shutdown']);
});

test('what is under way when the server is stopped is answered first', async () => {
  await using server = await startServer();
  const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(server.lines)));
  for (const client of clients) {
    expect(await client.ask('ready?')).toBe('ready?');
    client.send('sleep 100\ncount x y z\n');
  }
  await stopped(server, 'SIGTERM');
  for (const client of clients) {
    await client.serverClosed();
    expect(client.received.toString().split('\n').sort()).toEqual(['', '3', 'slept 100']);
  }
});

test('tasks that no handler waits for are run to their end as well, those that wait for a worker included', async () => {
  await using server = await startServer({ workerNum: 1 });
  const client = await TestClient.connect(server.lines);
  for (const ms of [100, 50, 20]) expect(await client.ask(`post ${ms}`)).toBe('posted');
  const output = await stopped(server, 'SIGTERM');
  expect([...output.matchAll(/event finish posted (\d+)/g)].map(([, ms]) => ms)).toEqual(['100', '50', '20']);
});

test('a stopping server takes no new client', async () => {
  await using server = await startServer({ workerNum: 1 });
  const client = await TestClient.connect(server.lines);
  client.send('sleep 300\n');
  // Behind the first line: when this one is back, the first is with its worker.
  expect(await client.ask('ready?')).toBe('ready?');
  server.program.kill('SIGTERM');
  await until('new clients to be refused', () =>
    TestClient.connect(server.lines).then(
      () => false,
      (error) => error.code === 'ECONNREFUSED',
    ),
  );
  expect(await client.line()).toBe('slept 300');
});

test('a worker that hangs is killed when its time is over, and the server ends', async () => {
  await using server = await startServer({ taskWorkerNum: 0, maxWaitTime: 200 });
  const client = await TestClient.connect(server.lines);
  client.send('hang\n');
  await server.program.printed(/event hang/);
  const other = await TestClient.connect(server.lines);
  expect(await other.ask('hello')).toBe('hello');
  await stopped(server, 'SIGTERM');
});

test('a second SIGTERM does no harm', async () => {
  await using server = await startServer(ALONE);
  server.program.kill('SIGTERM');
  await stopped(server, 'SIGTERM');
});

test('SIGTERM to a worker alone ends it in order, and it is replaced', async () => {
  await using server = await startServer(ALONE);
  const client = await Visitor.connect(server.lines);
  const [pid, id] = (await client.ask('pid')).split(' ');
  process.kill(Number(pid), 'SIGTERM');
  await server.program.printed(new RegExp(`event workerStop ${id}`));
  await until(
    'the replacement',
    () => server.program.count(new RegExp(`event workerStart ${id} pid`, 'g')) === 2,
  );
  expect((await client.ask('pid')).split(' ')[0]).not.toBe(pid);
  expect(server.program.output).not.toMatch(/workerError/);
  client.close();
});

test('what else keeps the master alive is given its time, then it exits and says so', async () => {
  await using server = await startServer({ ...ALONE, maxWaitTime: 300 }, { HOLD_THE_LOOP: '1' });
  expect(await stopped(server, 'SIGTERM')).toMatch(
    /something keeps the process alive 300 ms after the server has ended/,
  );
});

test.each([Number.MAX_SAFE_INTEGER, 2 ** 31, 715_827_050])(
  'with a maxWaitTime of %d ms what is under way is answered, and the server ends when it is done',
  async (maxWaitTime) => {
    await using server = await startServer({ workerNum: 1, taskWorkerNum: 1, maxWaitTime });
    const client = await TestClient.connect(server.lines);
    client.send('sleep 300\n');
    // Behind the first line: when this one is back, the first is with its worker.
    expect(await client.ask('ready?')).toBe('ready?');
    server.program.kill('SIGTERM');
    expect(await client.line()).toBe('slept 300');
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
    expect(server.program.output).not.toMatch(/force kill|has not come to its end|keeps the process alive/);
  },
);
