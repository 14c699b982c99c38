import { type Program, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

/** A served node:http server with one worker, in process mode, and a client of it. */
async function start(): Promise<{ program: Program; client: TestClient; port: number } & AsyncDisposable> {
  // On a busy machine the next worker takes more than the usual maxWaitTime, behind which requests are answered 503.
  const program = launch('served', { maxWaitTime: 60_000 });
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const port = Number(ports.split(' ')[0]);
  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  return { program, client, port, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: here\r\n${more}\r\n`;

function killWorker(program: Program): void {
  const worker = program.children().find(({ title, state }) => title.includes('worker 0') && state !== 'Z');
  process.kill(worker?.pid as number, 'SIGKILL');
}

test('a request in hand is answered 502 when its worker dies, behind the answers that were whole', async () => {
  await using served = await start();
  const { client, program } = served;
  client.send(get('/hello') + get('/slow'));
  await program.printed(/^slow has begun$/m);
  await until('the first answer', () => String(client.received).includes('Hello\n'));
  killWorker(program);
  await client.serverClosed();
  const [first = '', second = ''] = String(client.received).split('Hello\n');
  expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(second).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(second).toMatch(/\r\nConnection: close\r\n/i);
});

test('an upload in hand is answered 502, and the rest of it is asked of no program', async () => {
  await using served = await start();
  const { client, program, port } = served;
  client.send('POST /length HTTP/1.1\r\nHost: here\r\nContent-Length: 60\r\n\r\n');
  await until('the upload to be in hand', async () => {
    const other = await TestClient.connect(port);
    try {
      other.send(get('/close'));
      await other.serverClosed();
      return String(other.received).includes('last\n');
    } finally {
      other.close();
    }
  });
  killWorker(program);
  client.send(get('/pid').padEnd(60));
  await client.serverClosed();
  expect(String(client.received)).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(String(client.received).match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('an answer that has begun is reset, so that half of it is not taken for the whole', async () => {
  await using served = await start();
  const { client, program } = served;
  client.socket.pause();
  const errors: unknown[] = [];
  client.socket.on('error', (error) => errors.push(error));
  client.send(get('/large?bytes=400000000'));
  await until('the answer to have begun', () => client.socket.bytesRead > 0);
  killWorker(program);
  client.socket.resume();
  await client.serverClosed();
  // libuv tells of a reset as of an end where bytes came before it that it had not read. What follows an end could be sent.
  client.send('anything');
  await until('the reset', () => errors.length > 0);
  expect(errors).toMatchObject([{ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) }]);
});

test('a WebSocket between two frames is told 1012', async () => {
  await using served = await start();
  const { client, program } = served;
  client.send(
    get('/', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'),
  );
  await until('101', () => String(client.received).endsWith('\r\n\r\n'));
  await client.take(client.received.length);
  const frame = Buffer.from([0x82, 3, 1, 2, 3]);
  client.send(frame);
  expect(await client.take(5)).toEqual(frame);
  killWorker(program);
  await client.serverClosed();
  expect(client.received).toEqual(Buffer.from([0x88, 2, 0x03, 0xf4]));
});

test('a WebSocket in the middle of a frame is reset', async () => {
  await using served = await start();
  const { client, program } = served;
  const errors: unknown[] = [];
  client.socket.on('error', (error) => errors.push(error));
  client.send(
    get('/', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'),
  );
  await until('101', () => String(client.received).endsWith('\r\n\r\n'));
  await client.take(client.received.length);
  const begun = Buffer.from([0x82, 9, 1, 2, 3]);
  client.send(begun);
  expect(await client.take(5)).toEqual(begun);
  killWorker(program);
  await until('the end of the connection', () => client.ended);
  expect(errors).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('a connection over which bytes alone go is reset', async () => {
  await using served = await start();
  const { program } = served;
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const client = await TestClient.connect(Number(ports.split(' ')[1]));
  onTestFinished(() => client.close());
  const errors: unknown[] = [];
  client.socket.on('error', (error) => errors.push(error));
  expect(await client.ask('echo')).toBe('echo');
  killWorker(program);
  await until('the end of the connection', () => client.ended);
  expect(errors).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('a request that waits while no worker is there is answered by the next', async () => {
  await using served = await start();
  const { client, program } = served;
  client.send(get('/hello'));
  await until('the first answer', () => String(client.received).includes('Hello\n'));
  await client.take(client.received.length);
  killWorker(program);
  client.send(get('/pid') + get('/hello'));
  await until('both answers', () => String(client.received).includes('Hello\n'));
  expect(String(client.received).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
});
