import { connect, type Socket } from 'node:net';
import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { isBase, launch, pidOf, type RunningServer } from '../support.js';

const LIMIT = 160;
const WORKER = 'millrace: worker 0';

/** A server that may have so many files open in each of its processes. */
async function limited(reactorNum: number): Promise<RunningServer> {
  const options = { workerNum: 1, reactorNum, spares: 0 };
  const program = launch('fairness', options, {}, ['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh']);
  const [, port] = await program.printed(/^listening (\d+)/m);
  return {
    program,
    lines: Number(port),
    frames: 0,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Clients until one is turned away; those that have got an answer. */
async function fill(port: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    const client = await TestClient.connect(port);
    client.send('hello\n');
    await until(
      'an answer, or the end',
      () => client.received.length > 0 || client.socket.readableEnded || client.ended,
    );
    if (client.received.length === 0) return clients;
    await client.line();
    clients.push(client);
  }
  throw new Error('Nobody has been turned away.');
}

// One reactor thread accepts by itself; for several the master does.
test.each(isBase ? [1] : [1, 2])(
  'clients get no descriptor that the server keeps back: one more is closed, counted and logged (%d reactor threads)',
  async (reactorNum) => {
    await using server = await limited(reactorNum);
    const clients = await fill(server.lines);
    expect(clients.length).toBeGreaterThan(20);
    await server.program.printed(/kept back for the server itself \(reservedDescriptors\)/);
    await server.program.printed(/"descriptorAbortCount":[1-9]/);
    // Those that are there go on, and who comes after one has gone is served.
    const [first, second] = clients as [TestClient, TestClient];
    expect(await first.ask('still')).toMatch(/still$/);
    second.close();
    await until('a place for another', async () => {
      const client = await TestClient.connect(server.lines);
      client.send('late\n');
      await until(
        'an answer, or the end',
        () => client.received.length > 0 || client.socket.readableEnded || client.ended,
      );
      return client.received.length > 0;
    });
    for (const client of clients) client.close();
  },
);

test.skipIf(isBase)(
  'a manager that dies while clients have all descriptors but those is replaced',
  async () => {
    await using server = await limited(1);
    const clients = await fill(server.lines);
    const worker = pidOf(server, 'millrace: worker 0');
    process.kill(pidOf(server, 'millrace: manager') as number, 'SIGKILL');
    await until('another worker', () => {
      const pid = pidOf(server, 'millrace: worker 0');
      return pid !== undefined && pid !== worker;
    });
    for (const client of clients.slice(0, 5)) expect(await client.ask('still')).toMatch(/still$/);
    for (const client of clients) client.close();
  },
);

test('files for clients that do not read leave the server what it keeps back', async () => {
  await using server = await limited(1);
  const good = await TestClient.connect(server.lines);
  const lazy: Socket[] = [];
  try {
    for (let i = 0; i < LIMIT / 8; i++) {
      const socket = connect(server.lines, '127.0.0.1').on('error', () => {});
      socket.pause().write('files\n');
      lazy.push(socket);
    }
    await server.program.printed(
      /Cannot send a file to session \d+: the descriptors that are left are kept back/,
    );
    expect(await good.ask('still')).toMatch(/still$/);
    if (isBase) return;
    const manager = pidOf(server, 'millrace: manager') as number;
    process.kill(manager, 'SIGKILL');
    await until('another manager, and its worker', () => {
      const pid = pidOf(server, 'millrace: manager');
      return pid !== undefined && pid !== manager && pidOf(server, WORKER) !== undefined;
    });
    expect(await good.ask('again')).toMatch(/again$/);
  } finally {
    for (const socket of lazy) socket.destroy();
    good.close();
  }
});

test.skipIf(isBase)('a worker whose handlers have taken all descriptors, and fail, goes on', async () => {
  await using server = await limited(1);
  const [failing, other] = [await TestClient.connect(server.lines), await TestClient.connect(server.lines)];
  expect(await other.ask('first')).toBe('1 first');
  failing.send('exhaust\n');
  await failing.serverClosed();
  // It counts on: it is the same process, which has lost the line that it could not write.
  expect(await other.ask('second')).toBe('2 second');
  await server.program.printed(/"lostLogLines":[1-9]/);
  other.close();
});

// With a few more it is a thread or a child that lacks them, and that says so itself.
test('a start for which ulimit -n is too little for the links of its processes says so', async () => {
  const through = ['sh', '-c', 'ulimit -n 48; exec "$@"', 'sh'];
  await using program = launch('life', { taskWorkerNum: 1 }, {}, through);
  expect(await program.ended()).toEqual({ code: 1, signal: null });
  expect(program.output).toContain('ServerError: ulimit -n allows 48 open files');
});
