import { type Program, TestClient, until } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type ServeOptions } from '../../src/index.js';
import { isBase, launch, testOfLastingClients } from '../support.js';

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: here\r\n${more}\r\n`;

const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: ${length}\r\n\r\n`;

async function start(): Promise<{ program: Program; client: TestClient } & AsyncDisposable> {
  const program = launch('lean');
  const [, port] = await program.printed(/^listening (\d+)$/m);
  const client = await TestClient.connect(Number(port));
  onTestFinished(() => client.close());
  return { program, client, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

function workerOf(program: Program): number {
  const worker = program.children().find(({ title, state }) => title.includes('worker 0') && state !== 'Z');
  return worker?.pid as number;
}

/** Sends a request, and waits for its answer: by which class, in which process. */
async function asked(client: TestClient, more = ''): Promise<RegExpMatchArray> {
  const before = client.received.length;
  client.send(get('/', more));
  const answer = /(\w+) (\d+) 127\.0\.0\.1\n/;
  return until('an answer', () => client.received.subarray(before).toString().match(answer));
}

describe("a function that is served by the engine 'lean'", () => {
  test('gets well-formed requests from it, and from the first other one on those of the connection from node:http', async () => {
    await using served = await start();
    const { client } = served;
    expect((await asked(client))[1]).toBe('LeanRequest');
    expect((await asked(client))[1]).toBe('LeanRequest');
    expect((await asked(client, 'X-Empty:\r\n'))[1]).toBe('IncomingMessage');
    expect((await asked(client))[1]).toBe('IncomingMessage');
  });

  test('has its upgrades from node:http, behind the answers to what was asked before', async () => {
    await using served = await start();
    const { client } = served;
    client.send(get('/') + get('/', 'Connection: Upgrade\r\nUpgrade: test\r\n'));
    await client.serverClosed();
    expect(String(client.received)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n.*101 Switching Protocols\r\n\r\nupgraded\n$/s,
    );
  });

  test('has an answer sent that it has given before it exits', async () => {
    await using served = await start();
    const { client } = served;
    client.send(get('/last'));
    await until('the answer', () => /\r\n\r\nlast\n$/.test(String(client.received)));
  });

  test('reads what has come of a body whose client leaves, before it hears of that', async () => {
    await using served = await start();
    const { client, program } = served;
    client.send(post('/upload', 20_000) + 'u'.repeat(10_000));
    client.close();
    expect((await program.printed(/^upload broken off after (\d+) bytes$/m))[1]).toBe('10000');
  });

  test('answers with what has come of a body to a client that sends no more in it', async () => {
    await using served = await start();
    const { client } = served;
    client.send(`${post('/echo', 10)}half`);
    client.finish();
    await client.serverClosed();
    expect(String(client.received)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n4\r\nhalf\r\n$/s);
  });

  testOfLastingClients('has its clients told 502 when its worker dies with a request in hand', async () => {
    await using served = await start();
    const { client, program } = served;
    client.send(get('/') + get('/hang') + get('/'));
    await program.printed(/^hang has begun$/m);
    await until('the first answer', () => String(client.received).includes('LeanRequest'));
    process.kill(workerOf(program), 'SIGKILL');
    await client.serverClosed();
    const answers = String(client.received).match(/HTTP\/1\.1 \d+/g);
    expect(answers).toEqual(['HTTP/1.1 200', 'HTTP/1.1 502']);
  });

  testOfLastingClients('has its clients reset when its worker dies in an answer', async () => {
    await using served = await start();
    const { client, program } = served;
    client.send(get('/half'));
    await until('half an answer', () => String(client.received).endsWith('half'));
    process.kill(workerOf(program), 'SIGKILL');
    await client.serverClosed();
    expect(String(client.received)).not.toContain('502');
  });

  testOfLastingClients('keeps its idle clients when its worker dies, and when it is reloaded', async () => {
    await using served = await start();
    const { client, program } = served;
    const [, , first] = await asked(client);
    process.kill(workerOf(program), 'SIGKILL');
    const [, , second] = await asked(client);
    program.kill('SIGUSR1');
    const seen = new Set([first, second]);
    await until('an answer of the worker after the reload', async () => {
      const [, name, pid] = (await asked(client)) as unknown as [string, string, string];
      expect(name).toBe('LeanRequest');
      return !seen.has(pid);
    });
    expect(seen.size).toBe(2);
  });

  test('ends its clients with their next answer at the end of the server', async () => {
    await using served = await start();
    const { client, program } = served;
    await asked(client);
    program.kill('SIGTERM');
    await client.serverClosed();
    expect(await program.ended()).toMatchObject({ code: 0 });
  });
});

test.skipIf(isBase)(
  "'lean' is refused for what is no server of node:http, and so is an engine that does not exist",
  () => {
    const server = createServer({ port: 0 });
    const net = process.getBuiltinModule('node:net').createServer();
    expect(() => server.serve(net, { engine: 'lean' })).toThrow(/The engine 'lean' serves a function/);
    const unknown = { engine: 'fast' } as unknown as ServeOptions;
    expect(() => server.serve(() => {}, unknown)).toThrow(
      /The option 'engine' of serve is 'node' or 'lean', not 'fast'/,
    );
  },
);
