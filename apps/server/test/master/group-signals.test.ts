import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { events } from '../reloading.js';
import {
  clientOf,
  isBase,
  launch,
  pidOf,
  type RunningServer,
  startServer,
  testOfLastingClients,
} from '../support.js';

/** Starts a server that leads a process group of its own. */
async function startGroup(env: NodeJS.ProcessEnv = {}, options = {}): Promise<RunningServer> {
  const program = launch('loaded', options, env, ['setsid']);
  const [, lines] = await program.printed(/^listening (\d+)/m);
  return {
    program,
    lines: Number(lines),
    frames: 0,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

const signalGroup = ({ program }: RunningServer, signal: NodeJS.Signals) =>
  process.kill(-program.pid, signal);

/** Waits until the server has read that many requests of clients, beside `others` that came before. */
async function accepted(server: RunningServer, requests: number, others = 0): Promise<void> {
  const client = await TestClient.connect(server.lines);
  let asked = 0;
  await until(`${requests} requests to be accepted`, async () => {
    asked++;
    return Number(await client.ask('stats')) - asked - others >= requests;
  });
  client.close();
}

/** Requests of clients that the server has read until now, this question among them. */
async function acceptedSoFar(server: RunningServer): Promise<number> {
  const client = await TestClient.connect(server.lines);
  const count = Number(await client.ask('stats'));
  client.close();
  return count;
}

const KINDS = ['busy 2', 'sleep 150', 'task 1'];
const CLIENTS = 30;
const EACH = 12;

/** Many clients that have asked for much; most of it waits. */
async function load(server: RunningServer): Promise<TestClient[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(server.lines)));
  for (const [number, client] of clients.entries()) {
    const lines = Array.from({ length: EACH }, (_, i) => `${KINDS[(number + i) % KINDS.length]} ${i}\n`);
    client.send(lines.join(''));
  }
  return clients;
}

async function allAnswered(clients: readonly TestClient[]): Promise<void> {
  for (const client of clients) {
    await client.serverClosed();
    const answers = client.received.toString().trim().split('\n');
    expect(answers.map((line) => Number(line.split(' ')[1])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: EACH }, (_, i) => i),
    );
  }
}

for (const times of [1, 2])
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    `%s to the whole process group, ${times === 1 ? 'once' : 'twice'}, loses no request that the server has accepted`,
    async (signal) => {
      await using server = await startGroup();
      const clients = await load(server);
      await accepted(server, CLIENTS * EACH);
      for (let i = 0; i < times; i++) signalGroup(server, signal);
      await allAnswered(clients);
      expect(await server.program.ended()).toEqual({ code: 0, signal: null });
      expect(server.program.output).not.toMatch(/abnormal exit|force kill|once more/);
      expect(events(server, 'workerStart')).toHaveLength(3);
    },
  );

test('SIGTERM to the group under steady load answers all that has been dispatched, each time', async () => {
  for (let round = 0; round < 3; round++) {
    await using server = await startGroup();
    let answers = 0;
    const clients = await Promise.all(Array.from({ length: 40 }, () => TestClient.connect(server.lines)));
    for (const client of clients) {
      const ask = () => !client.socket.destroyed && client.socket.write('sleep 3 1\n');
      client.socket.on('data', (data) => {
        answers += data.toString().split('\n').length - 1;
        ask();
      });
      ask();
    }
    await until('load', () => answers > 500);
    signalGroup(server, 'SIGTERM');
    for (const client of clients) await client.serverClosed();
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
    expect(answers).toBe(Number(events(server, 'dispatched')[0]));
  }
});

test('SIGTERM to the processes below the master alone, all at once, has each replaced in order, and loses nothing', async () => {
  await using server = await startServer({}, {}, 'loaded');
  const clients = isBase ? [] : await load(server);
  await accepted(server, clients.length * EACH);
  const manager = pidOf(server, 'millrace: manager');
  const below = server.program
    .children()
    .filter(({ title, pid }) => pid !== manager && !/spare/.test(title))
    .map(({ pid }) => pid);
  for (const pid of below) process.kill(pid, 'SIGTERM');
  await until('all to be others', () => {
    const now = server.program.children().map(({ pid }) => pid);
    return below.every((pid) => !now.includes(pid)) && events(server, 'workerStart').length === 6;
  });
  await until('all answers', () =>
    clients.every(({ received }) => received.toString().split('\n').length > EACH),
  );
  expect(server.program.output).not.toMatch(/abnormal exit|shutting down/);
  server.program.kill('SIGTERM');
  await allAnswered(clients);
});

testOfLastingClients(
  'SIGTERM to the manager alone replaces it and its processes, and loses no request',
  async () => {
    await using server = await startServer({}, {}, 'loaded');
    const clients = await load(server);
    await accepted(server, CLIENTS * EACH);
    const manager = pidOf(server, 'millrace: manager') as number;
    process.kill(manager, 'SIGTERM');
    await server.program.printed(/SIGTERM has come to the manager alone/);
    await until('all answers', () =>
      clients.every(({ received }) => received.toString().split('\n').length > EACH),
    );
    await until('another manager', () => ![undefined, manager].includes(pidOf(server, 'millrace: manager')));
    server.program.kill('SIGTERM');
    await allAnswered(clients);
  },
);

testOfLastingClients(
  'what a dead worker has not read is answered, although the server is told to stop at once',
  async () => {
    await using server = await startServer({ taskWorkerNum: 0 }, { BOOT: '300' }, 'loaded');
    const client = await clientOf(server.lines, 0);
    const [pid] = (await client.ask('pid')).split(' ');
    const others = await acceptedSoFar(server);
    client.send(Array.from({ length: 100 }, (_, i) => `busy 2 ${i}\n`).join(''));
    await accepted(server, 100, others);
    process.kill(Number(pid), 'SIGKILL');
    server.program.kill('SIGTERM');
    await client.serverClosed();
    const answers = client.received.toString().trim().split('\n');
    // What it had in hand is lost with it, and what it had answered and not sent.
    expect(answers.at(-1)).toBe('busy 99');
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  },
);

test('SIGHUP to the group, twice, reloads, and kills no process that is being started', async () => {
  await using server = await startGroup();
  signalGroup(server, 'SIGHUP');
  await server.program.printed(/reloading \d+ process(es)?/);
  signalGroup(server, 'SIGHUP');
  await until('two reloads', () => events(server, 'afterReload').length === 2);
  for (const result of events(server, 'afterReload'))
    expect(JSON.parse(result)).toEqual({ outcome: 'reloaded', replaced: 3 });
  signalGroup(server, 'SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
});
