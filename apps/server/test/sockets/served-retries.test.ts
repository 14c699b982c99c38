import { type Program, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

/** A served node:http server whose requests are given to another worker when theirs dies, and a client of it. */
async function start(options = {}): Promise<{ program: Program; client: TestClient } & AsyncDisposable> {
  const program = launch('served', { retryRequests: true, reactorNum: 1, ...options });
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const client = await TestClient.connect(Number(ports.split(' ')[0]));
  onTestFinished(() => client.close());
  return { program, client, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

const ask = (path: string, method = 'GET', body = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Kills the worker that says that it has begun. */
async function killAtWork(program: Program): Promise<void> {
  await program.printed(/^slow has begun$/m);
  process.kill(Number((await program.printed(/^at (\d+)$/m))[1]), 'SIGKILL');
}

test.each([1, 3])(
  'of %i workers, another one answers what went down with one, and the client notices nothing',
  async (workerNum) => {
    await using served = await start({ workerNum, maxWaitTime: 60_000 });
    const { client, program } = served;
    client.send(ask('/slow') + ask('/hello'));
    await killAtWork(program);
    await until('both answers', () => String(client.received).includes('Hello\n'));
    expect(String(client.received).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(program.count(/^slow has begun$/gm)).toBe(2);
    client.send(ask('/hello'));
    await until('a third one', () => String(client.received).match(/Hello\n/g)?.length === 2);
  },
);

test('a request that must not be repeated is answered 502', async () => {
  await using served = await start({ workerNum: 2 });
  const { client, program } = served;
  client.send(ask('/slow', 'POST', 'once'));
  await killAtWork(program);
  await client.serverClosed();
  expect(String(client.received)).toMatch(/^HTTP\/1\.1 502 /);
  expect(program.count(/^slow has begun$/gm)).toBe(1);
});

test('a request that ends whatever takes it ends two of three workers, and is named', async () => {
  await using served = await start({ workerNum: 3 });
  const { client, program } = served;
  client.send(ask('/poison?key=secret'));
  await client.serverClosed();
  expect(String(client.received)).toMatch(/^HTTP\/1\.1 502 /);
  await program.printed(/GET \/poison, of session \d+ from 127\.0\.0\.1, has ended two workers/);
  expect(program.count(/^poisoned \d+$/gm)).toBe(2);
  expect(program.output).not.toContain('secret');
});
