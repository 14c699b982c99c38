import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { isRunning, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Asked, CheckedConnection, question } from '../dist/chaos/asking.js';
import { BYTE_CASES, type ByteCase } from '../dist/chaos/byte-cases.js';
import { ChaosClient } from '../dist/chaos/client.js';
import { noCounts } from '../dist/chaos/counts.js';
import { killedAtEveryByte } from '../dist/chaos/every-byte.js';
import { kill } from '../dist/chaos/killer.js';
import { noSocketCounts, runSockets } from '../dist/chaos/sockets.js';
import { PLAIN, Served } from '../dist/start.js';
import { resetNow } from '../dist/wire/wire.js';

const OK = 'HTTP/1.1 200 OK\r\nX-Id: one\r\nContent-Length: 4\r\n\r\nbody';

/** What a client notes when its request is answered like this, and then at rest. */
async function answeredBy(answer: (socket: Socket) => void, restMs?: number): Promise<Asked> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await CheckedConnection.open((server.address() as AddressInfo).port);
  if (connection === undefined) throw new Error('not accepted');
  onTestFinished(() => connection[Symbol.dispose]());
  const asked = await connection.ask(question('one', Buffer.from('body')), { timeoutMs: 500 });
  if (restMs === undefined) return asked;
  return (await connection.wait(restMs)) ?? asked;
}

const cases: readonly (readonly [
  kind: Asked['kind'],
  what: string,
  answer: (socket: Socket) => void,
  restMs?: number,
])[] = [
  ['ok', 'its own answer', (socket) => socket.write(OK)],
  [
    'badGateway',
    'a 502',
    (socket) => socket.write('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  ],
  [
    'unavailable',
    'a 503',
    (socket) => socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
  ],
  ['reset', 'a reset', (socket) => resetNow(socket)],
  [
    'reset',
    'a reset in the middle of an answer',
    (socket) => socket.write(OK.slice(0, -2), () => setImmediate(() => resetNow(socket))),
  ],
  ['cut', 'half an answer and an end', (socket) => socket.end(OK.slice(0, -2))],
  ['unanswered', 'an end', (socket) => socket.end()],
  ['late', 'nothing', () => {}],
  ['wrong', 'the answer of another', (socket) => socket.write(OK.replace('one', 'two'))],
  ['wrong', 'another body', (socket) => socket.write(OK.replace('body', 'BODY'))],
  ['wrong', 'another status', (socket) => socket.write(OK.replace('200 OK', '400 Bad Request'))],
  ['wrong', 'no HTTP', (socket) => socket.write('hello\r\n\r\n')],
  ['wrong', 'two answers', (socket) => socket.write(OK + OK), 100],
  ['closedAtBoundary', 'an end behind the answer', (socket) => socket.end(OK), 5000],
];

for (const [kind, what, answer, restMs] of cases) {
  test(`the checked client counts ${what} as ${kind}`, async () => {
    expect(await answeredBy(answer, restMs)).toMatchObject({ kind });
  });
}

test('every request of 50 kept connections is answered with its own id and body by plain node', async () => {
  await using served = await Served.start('echo-id.js', PLAIN);
  const stop = new AbortController();
  const client = new ChaosClient({ port: served.port, connections: 50, signal: stop.signal });
  const run = client.run();
  await until('1,000 answers', () => client.counts.ok >= 1000);
  stop.abort();
  const counts = await run;
  expect(counts).toEqual({ ...noCounts(), ok: counts.ok });
  expect([...client.answered.keys()]).toEqual([served.program.pid]);
});

test('a kill of plain node is seen: its requests in hand are lost, and no connection comes after', async () => {
  await using served = await Served.start('echo-id.js', PLAIN);
  const stop = new AbortController();
  const options = { port: served.port, connections: 20, signal: stop.signal, delayMs: 20 };
  const client = new ChaosClient(options);
  const run = client.run();
  await until('answers', () => client.counts.ok >= 40);
  expect(kill(served.program.pid)).toBe(true);
  await until('refusals', () => client.counts.refused >= 20);
  stop.abort();
  const { ok, refused, reset, unanswered, closedAtBoundary, ...others } = await run;
  expect(ok).toBeGreaterThanOrEqual(40);
  // And those that came anew before the kernel had closed the socket that it listened on.
  expect(reset + unanswered + closedAtBoundary).toBeGreaterThanOrEqual(20);
  expect(Object.values(others)).toEqual([0, 0, 0, 0, 0]);
  expect(refused).toBeGreaterThanOrEqual(20);
});

test('killed at bytes of a request, plain node answers nothing, and never twice', async () => {
  await using served = await Served.start('echo-id.js', PLAIN);
  const result = await killedAtEveryByte(BYTE_CASES[0] as ByteCase, {
    port: served.port,
    kill: async () => {
      kill(served.program.pid);
      await until('its end', () => !isRunning(served.program.pid));
    },
    positions: (length) => [1, 30, length - 10, length - 1],
  });
  const { counts, second, kills } = result;
  expect(kills).toBe(1);
  expect(counts.reset + counts.unanswered).toBe(4);
  expect(counts).toEqual({ ...noCounts(), reset: counts.reset, unanswered: counts.unanswered });
  expect(second).toBe(0);
});

const smuggling: readonly (readonly [what: string, answers: string])[] = [
  ['behind a 502', `HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n${OK}`],
  ['instead of the request', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
];
for (const [what, answers] of smuggling) {
  test(`a body that is answered as a request ${what} is found out`, async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nX-Id: before\r\nContent-Length: 14\r\n\r\nwhich process?`);
        socket.on('data', (part) => {
          if (part.includes('GET /smuggled')) socket.end(answers);
        });
      });
    });
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const result = await killedAtEveryByte(BYTE_CASES[0] as ByteCase, {
      port,
      kill: async () => {},
      positions: () => [50],
    });
    expect(result.counts).toEqual({ ...noCounts(), wrong: 1 });
  });
}

test('20 WebSockets have every message back once, and their close is counted by its code', async () => {
  await using served = await Served.start('ws.js', PLAIN);
  const options = { port: served.port, sockets: 20, everyMs: 5 };
  const stop = new AbortController();
  const counts = noSocketCounts();
  const run = runSockets({ ...options, signal: stop.signal }, counts);
  await until('500 messages', () => counts.ok >= 500);
  stop.abort();
  await run;
  expect(counts).toEqual({ ...noSocketCounts(), opened: 20, sent: counts.sent, ok: counts.sent });

  const others = noSocketCounts();
  const killed = runSockets({ ...options, signal: new AbortController().signal }, others);
  await until('all sockets', () => others.opened === 20 && others.ok >= 20);
  kill(served.program.pid);
  expect((await killed).closed).toEqual({ 1006: 20 });
});
