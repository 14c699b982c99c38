/** The way of one session's messages, as the admin interface tells it. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { TestClient, until } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import { isBase } from '../support.js';
import { AdminServer, Events, type ServerSentEvent } from './admin-client.js';

const open = new Set<Disposable>();
afterEach(() => {
  for (const one of open) one[Symbol.dispose]();
  open.clear();
});

async function clientOf(server: AdminServer): Promise<TestClient> {
  const client = await TestClient.connect(await server.port());
  open.add({ [Symbol.dispose]: () => client.close() });
  return client;
}

/** The sessions that are open, lowest first. */
async function sessions(server: AdminServer): Promise<number[]> {
  const { body } = await server.get('/v1/connections');
  return body.connections.map(({ session }: { session: number }) => session);
}

const pathOf = (session: number | string) => `/v1/sessions/${session}/trace`;

/** Traces the only session that is open. */
async function traceOf(server: AdminServer): Promise<{ session: number; events: Events }> {
  const [session = 0] = await until('a session', async () => {
    const all = await sessions(server);
    return all.length === 1 && all;
  });
  return { session, events: await traced(server, session) };
}

async function traced(server: AdminServer, session: number): Promise<Events> {
  const events = new Events(server.socketPath, undefined, pathOf(session));
  open.add(events);
  await events.next('the session', ({ event }) => event === 'session');
  return events;
}

const stepsOf = (events: Events) =>
  events.all.filter(({ event }) => event === 'step').map(({ data }) => data);
const untilStep = (
  events: Events,
  step: string,
  is: (data: ServerSentEvent['data']) => boolean = () => true,
) => events.next(step, ({ event, data }) => event === 'step' && data.step === step && is(data));

test('a message is told from the socket to the worker and back, with the time of each step', async () => {
  await using server = await AdminServer.started({ workerNum: 2 });
  const client = await clientOf(server);
  await client.ask('before');
  const { session, events } = await traceOf(server);
  const [{ data: first }] = events.all as [ServerSentEvent];
  expect(first).toMatchObject({ mode: isBase ? 'base' : 'process', connection: { session } });
  await client.ask('hello');
  await untilStep(events, 'written');
  const steps = stepsOf(events);
  const worker = `worker:${first.connection.worker}`;
  const reactor = `reactor:${first.connection.reactor}`;
  expect(steps.map(({ step, process, message, bytes }) => [step, process, message, bytes])).toEqual([
    ['read', reactor, 1, 6],
    ['dispatched', reactor, 1, 5],
    ['taken', worker, 1, 5],
    ['answered', worker, 1, 6],
    ['collected', reactor, 1, 6],
    ['written', reactor, 1, 6],
  ]);
  expect(steps[1]).toMatchObject({ kind: 'message', to: worker });
  expect(steps[4]).toMatchObject({ kind: 'bytes', from: worker });
  expect(steps[2].pid).toBe((await server.process(worker)).pid);
  const sum = steps.reduce((all, { sinceUs }) => all + (sinceUs ?? 0), 0);
  expect(steps[5].totalUs).toBeGreaterThan(0);
  // Times of two processes that are in the wrong order by a little count as none.
  expect(sum).toBeGreaterThanOrEqual(steps[5].totalUs - 1);
  expect(Math.abs(steps[0].at - Date.now())).toBeLessThan(60_000);
});

test('messages of one piece are told apart, and one that is not answered is told as far as it has come', async () => {
  await using server = await AdminServer.started({ workerNum: 1 });
  const client = await clientOf(server);
  const { events } = await traceOf(server);
  client.send('wait\nafter\n');
  await untilStep(events, 'written', ({ message }) => message === 2);
  expect(
    stepsOf(events)
      .filter(({ message }) => message === 1)
      .map(({ step }) => step),
  ).toEqual(['read', 'dispatched', 'taken']);
  process.kill((await server.process('worker:0')).pid, 'SIGCONT');
  await untilStep(events, 'written', ({ bytes }) => bytes === 5);
});

test('requests of a server of the program are told by their numbers', async () => {
  await using server = await AdminServer.started({}, {}, 'served');
  const socket = connect(await server.port(), '127.0.0.1');
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text;
  });
  const ask = async (count: number) => {
    socket.write('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the answer', () => answers.split('Hello\n').length - 1 === count);
  };
  await ask(1);
  const { events } = await traceOf(server);
  await ask(2);
  await ask(3);
  await untilStep(events, 'written', ({ request: number }) => number === 3);
  const of = (number: number) => stepsOf(events).filter(({ request }) => request === number);
  for (const number of [2, 3]) {
    expect(of(number).map(({ step, kind }) => [step, kind])).toEqual([
      ['dispatched', 'request'],
      ['taken', 'request'],
      ['answered', 'bytes'],
      ['collected', 'bytes'],
      ['written', 'bytes'],
    ]);
    expect(new Set(of(number).map(({ message }) => message))).toEqual(new Set([number - 1]));
  }
  socket.destroy();
  const { data } = await events.next('the end', ({ event }) => event === 'end');
  expect(data.reason).toBe('peer');
});

test('a trace ends with its session, and says why that was closed', async () => {
  await using server = await AdminServer.started({ workerNum: 1 });
  const client = await TestClient.connect(await server.port());
  const { session, events } = await traceOf(server);
  client.close();
  const { data } = await events.next('the end', ({ event }) => event === 'end');
  expect(data).toEqual({ type: 'end', outcome: 'closed', reason: 'peer' });
  expect(stepsOf(events).at(-1)).toMatchObject({ step: 'closed', reason: 'peer' });
  const { status, body } = await server.get(pathOf(session));
  expect([status, body.error.code]).toEqual([404, 'NO_SESSION']);
  expect(body.error.message).toContain("it was closed ('peer')");
});

test('there is no trace of sessions that there are not', async () => {
  await using server = await AdminServer.started();
  for (const session of [0, 4711, 'x', '-1', '99999999999999999', '1e3']) {
    const { status, body } = await server.get(pathOf(session));
    expect([session, status, body.error.code]).toEqual([session, 404, 'NO_SESSION']);
  }
});

test('so many sessions can be traced at once, and another one as soon as a client has gone', async () => {
  await using server = await AdminServer.started();
  const port = await server.port();
  const clients = await Promise.all(Array.from({ length: 9 }, () => TestClient.connect(port)));
  const all = await until('all sessions', async () => {
    const found = await sessions(server);
    return found.length === 9 && found;
  });
  const last = all.at(-1) as number;
  const traces = await Promise.all(all.slice(0, 8).map((session) => traced(server, session)));
  const { status, body } = await server.get(pathOf(last));
  expect([status, body.error.code]).toEqual([503, 'TOO_MANY_TRACES']);
  traces[0]?.[Symbol.dispose]();
  await until('room for another one', () => {
    return new Promise<boolean>((resolve) => {
      request({ socketPath: server.socketPath, path: pathOf(last), agent: false }, (response) => {
        response.destroy();
        resolve(response.statusCode === 200);
      })
        .on('error', () => resolve(false))
        .end();
    });
  });
  for (const client of clients) client.close();
});

test('a trace that goes with a killed admin process costs nothing, and another one is begun at the next', async () => {
  await using server = await AdminServer.started({ workerNum: 1 });
  const client = await clientOf(server);
  const { session } = await traceOf(server);
  const { pid } = await server.process('admin');
  process.kill(pid, 'SIGKILL');
  expect(await client.ask('meanwhile')).toBe('meanwhile');
  await until('another admin process', async () => {
    const now = await server.process('admin').catch(() => undefined);
    return now !== undefined && now.pid !== pid;
  });
  const events = await traced(server, session);
  await client.ask('hello');
  expect((await untilStep(events, 'written')).data).toMatchObject({ message: 1, bytes: 6 });
});
