import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

let files: string;
beforeAll(() => {
  files = mkdtempSync(join(tmpdir(), 'ending-'));
});
afterAll(() => rmSync(files, { recursive: true }));

interface Ending {
  readonly program: Program;
  readonly port: number;
}

/** A served program that leads a process group of its own. */
async function start(options = {}): Promise<Ending> {
  const program = launch('retiring', { maxWaitTime: 60_000, workerNum: 2, ...options }, {}, ['setsid']);
  onTestFinished(() => program[Symbol.asyncDispose]());
  const [, port] = await program.printed(/^listening (\d+) /m);
  return { program, port: Number(port) };
}

async function connect(port: number): Promise<TestClient> {
  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  return client;
}

/** Signals every process of the server, and waits until it ends. */
async function stop({ program }: Ending): Promise<void> {
  process.kill(-program.pid, 'SIGTERM');
  await program.printed(/shutting down/);
}

const answers = (client: TestClient) => String(client.received).split('HTTP/1.1 200 OK').length - 1;

test('an upload under way when the whole group is told to end is read to its end, and its answer ends the connection', async () => {
  const server = await start();
  const client = await connect(server.port);
  client.send('POST /upload HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n');
  client.send(Buffer.alloc(100_000));
  const other = await connect(server.port);
  other.send('GET /pid HTTP/1.1\r\nHost: here\r\n\r\n');
  await until('an answer', () => answers(other) === 1);
  await stop(server);
  // The other one, which says nothing any more, has been closed by now.
  await other.serverClosed();
  client.send(Buffer.alloc(100_000));
  await client.serverClosed();
  expect(String(client.received)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(String(client.received)).toMatch(/^Connection: close\r$/m);
  expect(String(client.received)).toMatch(/\r\n\r\n200000 \d+\n$/);
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
});

test('an answer under way when the whole group is told to end is sent to its end', async () => {
  const server = await start();
  const path = join(files, randomBytes(6).toString('hex'));
  // The server has let it in before the other one.
  const idle = await connect(server.port);
  const client = await connect(server.port);
  client.send(`GET /stream?file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await until('its beginning', () => String(client.received).includes('begun'));
  await stop(server);
  await idle.serverClosed();
  writeFileSync(path, '');
  await client.serverClosed();
  expect(String(client.received)).toMatch(/ended \d+\n\r\n0\r\n\r\n$/);
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
});

test('clients that ask one request after the other get an answer to each, up to one that ends the connection', async () => {
  const server = await start();
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect(server.port)));
  const asked = clients.map(() => 0);
  const run = clients.map(async (client, at) => {
    while (!/^Connection: close\r$/m.test(String(client.received))) {
      client.send('GET /pid HTTP/1.1\r\nHost: here\r\n\r\n');
      asked[at] = (asked[at] as number) + 1;
      await until('its answer', () => answers(client) === asked[at]);
    }
    await client.serverClosed();
    return answers(client);
  });
  await until('some of each', () => asked.every((count) => count > 3));
  await stop(server);
  expect(await Promise.all(run)).toEqual(asked);
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
});
