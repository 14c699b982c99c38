import { TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pidOf, type RunningServer, startServer } from '../support.js';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ maxWorkerNum: 8, maxTaskWorkerNum: 6 }, {}, 'mail');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const USER_PROCESS = 7;

test('G36 a user process writes to all workers and task workers, and each answers the client once', async () => {
  const client = await TestClient.connect(server.lines);
  client.send('all\n');
  const answers: string[] = [];
  for (let i = 0; i < 9; i++) answers.push(await client.line());
  const expected = ['0', '1', '2', '3', '4', '5', '6', 'manager', 'master'];
  expect(answers.sort()).toEqual(expected.map((id) => `${id} ${USER_PROCESS} true`));
  client.close();
});

test('many messages of one process to another arrive whole and in order, also large ones', async () => {
  const client = await TestClient.connect(server.lines);
  const [worker] = (await client.ask('me')).split(' ').map(Number);
  const other = ((worker as number) + 1) % 4;
  for (const [count, size] of [
    [2_000, 100],
    [40, 500_000],
  ] as const) {
    const before = await client.ask(`report ${other}`);
    const [messages, bytes] = before.split(' ').map(Number);
    expect(await client.ask(`count ${other} ${count} ${size}`)).toBe('counted');
    const [got, gotBytes] = (await client.ask(`report ${other}`)).split(' ').map(Number);
    expect([got, gotBytes]).toEqual([(messages as number) + count, (bytes as number) + count * size]);
  }
  client.close();
});

test('what cannot be sent, and where nobody is, are errors that say so', async () => {
  const client = await TestClient.connect(server.lines);
  const [worker] = (await client.ask('me')).split(' ').map(Number);
  for (const to of [worker, 16, -1, 1.5]) {
    const { code, message } = JSON.parse(await client.ask(`to ${to}`));
    expect(code).toBe('ERR_MILLRACE_NO_PROCESS');
    expect(message).toContain("0 to 8 (and to 15 where it is scaled up), 'manager' or 'master'");
  }
  expect(JSON.parse(await client.ask('bad'))).toMatchObject({
    code: 'ERR_MILLRACE_UNSENDABLE',
    message: expect.stringContaining('run'),
  });
  client.close();
});

test('what a dead process had not read, its replacement reads', async () => {
  const asking = await TestClient.connect(server.lines);
  const own = (await asking.ask('me')).split(' ')[0];
  const other = await until('a client of another worker', async () => {
    const client = await TestClient.connect(server.lines);
    if ((await client.ask('me')).split(' ')[0] !== own) return client;
    client.close();
    return undefined;
  });
  const [worker, pid] = (await other.ask('me')).split(' ').map(Number);
  process.kill(pid as number, 'SIGSTOP');
  asking.send(`to ${worker}\n`);
  // Behind it, to somebody else: when that is answered, the first has been sent.
  expect(await asking.ask('to 5')).toMatch(/^5 \d true$/);
  process.kill(pid as number, 'SIGKILL');
  expect(await asking.line()).toMatch(new RegExp(`^${worker} \\d true$`));
  for (const client of [asking, other]) client.close();
});

test('a user process is replaced when it dies, and hears of the end of the server', async () => {
  const title = 'millrace: user process 0';
  const pid = pidOf(server, title) as number;
  process.kill(pid, 'SIGKILL');
  await until('the replacement', () => server.program.count(/event userProcess 7 pid/g) === 2);
  expect(pidOf(server, title)).not.toBe(pid);
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(server.program.output).toMatch(/event userStop 7/);
});
