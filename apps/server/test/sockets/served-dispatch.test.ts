import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

async function start(options: object): Promise<{ program: Program; port: number } & AsyncDisposable> {
  const program = launch('served', { workerNum: 3, maxWaitTime: 60_000, ...options });
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const port = Number(ports.split(' ')[0]);
  return { program, port, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

async function connect(port: number): Promise<TestClient> {
  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  return client;
}

/** Asks, and waits for the answer, whose body is one line; returns that. */
async function ask(client: TestClient, path: string, more = ''): Promise<string> {
  client.send(`GET ${path} HTTP/1.1\r\nHost: here\r\n${more}\r\n`);
  await until(`an answer to ${path}`, () => /\r\n\r\n(?:[0-9a-f]+\r\n)?.*\n/.test(String(client.received)));
  const [, body = ''] = String(await client.take(client.received.length)).split('\r\n\r\n');
  return body.trim();
}

test('a request that stands in the way of its worker holds up no other client, where requests go by load', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-block-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const released = join(directory, 'released');
  await using served = await start({ dispatchMode: 'least-busy' });
  const blocks = await connect(served.port);
  const others = await Promise.all(Array.from({ length: 6 }, () => connect(served.port)));
  for (const other of others) await ask(other, '/pid');
  blocks.send(`GET /block?until=${released} HTTP/1.1\r\nHost: here\r\n\r\n`);
  const [, blocked] = await served.program.printed(/^blocked (\d+)$/m);
  for (let round = 0; round < 5; round++)
    for (const other of others) expect(await ask(other, '/pid')).not.toBe(blocked);
  expect(blocks.received.length).toBe(0);
  writeFileSync(released, '');
  await until('the answer that took long', () => String(blocks.received).includes('released'));
});

test.each([
  ['query', (value: string) => [`/pid?room=${value}`, '']],
  ['header', (value: string) => ['/pid', `Room: ${value}\r\n`]],
  ['cookie', (value: string) => ['/pid', `Cookie: a=b; room=${value}\r\n`]],
] as const)(
  'requests with the same value in their %s get the same worker, by whatever connection',
  async (dispatchMode, of) => {
    await using served = await start({ dispatchMode, dispatchKey: 'room' });
    const clients = await Promise.all([connect(served.port), connect(served.port), connect(served.port)]);
    const workers = new Set<string>();
    for (let value = 0; value < 12; value++) {
      const [path = '', more = ''] = of(`room-${value}`);
      const pids = new Set<string>();
      for (const client of clients) pids.add(await ask(client, path, more));
      expect(pids.size).toBe(1);
      workers.add([...pids][0] as string);
    }
    expect(workers.size).toBeGreaterThan(1);
  },
);

test('a client that is taken from a worker that stands still, and back to it, is answered', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-block-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const released = join(directory, 'released');
  await using served = await start({ workerNum: 2 });
  const polls = '/engine.io/?EIO=4&transport=polling';
  // In turn they are the one worker's and the other's.
  const [one, two] = [await connect(served.port), await connect(served.port)] as const;
  const opened = [await ask(one, polls), await ask(two, polls)];
  const [first, second] = opened.map((text) => /"sid":"(.*)"/.exec(text)?.[1]);
  one.send(`GET /block?until=${released} HTTP/1.1\r\nHost: here\r\n\r\n`);
  const [, blocked] = await served.program.printed(/^blocked (\d+)$/m);
  const three = await connect(served.port);
  expect(await ask(three, `${polls}&sid=${second}`)).not.toBe(blocked);
  const back = ask(three, `${polls}&sid=${first}`);
  writeFileSync(released, '');
  expect(await back).toBe(blocked);
});

test('a socket that was idle for long in one worker does not end the client that another one serves', async () => {
  const program = launch(
    'served',
    { workerNum: 3, dispatchMode: 'query', dispatchKey: 'room' },
    { KEEP_ALIVE: '100' },
  );
  await using _ = program;
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const client = await connect(Number(ports.split(' ')[0]));
  const idle = await ask(client, '/watch?room=0');
  let room = 1;
  while ((await ask(client, `/pid?room=${room}`)) === idle) room++;
  const busy = await ask(client, `/pid?room=${room}`);
  await until('the end of the socket that is idle', async () => {
    expect(await ask(client, `/pid?room=${room}`)).toBe(busy);
    return program.output.includes(`the socket is closed in ${idle}`);
  });
  expect(await ask(client, '/pid?room=0')).toBe(idle);
  expect(client.ended).toBe(false);
  // Idle in all of them, it ends.
  await client.serverClosed();
});
