import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

const example = (name: string) => new URL(`../dist/${name}.js`, import.meta.url);

async function listening(
  name: string,
  ...more: readonly string[]
): Promise<{ program: Program; client: TestClient }> {
  const program = new Program(example(name), { args: ['0', ...more] });
  onTestFinished(() => program[Symbol.asyncDispose]());
  const [, port] = await program.printed(/listening on (\d+)/);
  return { program, client: await TestClient.connect(Number(port)) };
}

test('word-count answers each line with its number of words, and counts its lines', async () => {
  const { program, client } = await listening('word-count');
  expect(await client.ask('the quick brown fox')).toBe('4');
  expect(await client.ask('one')).toBe('1');
  await program.printed(/worker \d: 2 lines/);
  client.close();
  await program.printed(/session 1 closed by the client/);
});

const hasRedis = process.env.CI !== undefined || spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('Skipped: redis-server is not installed (Debian: redis-server).');

test.skipIf(!hasRedis)('words-elsewhere has the task workers of another server count', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-words-'));
  const socket = join(directory, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
  const redis = spawn('redis-server', [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => redis.once('exit', resolve));
    redis.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  await until('Redis to listen', () => existsSync(socket));
  const { client } = await listening('words-elsewhere', socket, '0');
  await listening('words-elsewhere', socket, '1');
  expect(await client.ask('the quick brown fox')).toBe('4');
  client.close();
});

test("swoole-form hands the result of a task to 'finish' in the worker that asked", async () => {
  const { program, client } = await listening('swoole-form');
  expect(await client.ask('loud')).toBe('accepted');
  await program.printed(/task 1: LOUD/);
  expect(await client.ask('louder')).toBe('accepted');
  await program.printed(/task 2: LOUDER/);
  client.close();
});

test('timers ticks, and ends by itself', async () => {
  const program = new Program(example('timers'));
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/timer 1, 9 times/);
});

test('visits counts exactly what all processes have counted, and leaves nothing behind', async () => {
  const program = new Program(example('visits'));
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/ada: Ada Lovelace, 22500 visits/);
  expect(program.output).toMatch(/alan: Alan Turing, 7500 visits/);
});

test('shared-table counts in one table, whichever worker gets the line', async () => {
  const { client, program } = await listening('shared-table');
  const port = Number((await program.printed(/listening on (\d+)/))[1]);
  const others = await Promise.all(Array.from({ length: 3 }, () => TestClient.connect(port)));
  let count = 0;
  for (const each of [client, ...others, client, ...others])
    expect(await each.ask('ada')).toBe(String(++count));
  expect(await client.ask('alan')).toBe('1');
  expect(await client.ask('all')).toBe('ada 8, alan 1');
  program.kill('SIGHUP');
  await program.printed(/"msg":"reload: reloaded"|reload: reloaded/);
  expect(await client.ask('ada')).toBe('9');
  for (const each of [client, ...others]) each.close();
});

test('a second start of shared-table by mistake says so, and leaves the table of the first alone', async () => {
  const { client, program } = await listening('shared-table');
  expect(await client.ask('ada')).toBe('1');
  const port = (await program.printed(/listening on (\d+)/))[1] as string;
  const second = new Program(example('shared-table'), { args: [port] });
  onTestFinished(() => second[Symbol.asyncDispose]());
  expect((await second.ended()).code).toBe(1);
  expect(second.output).toMatch(/EADDRINUSE/);
  expect(await client.ask('ada')).toBe('2');
  // A server of its own has a table of its own.
  const third = await listening('shared-table');
  expect(await third.client.ask('ada')).toBe('1');
  expect(await client.ask('ada')).toBe('3');
  for (const each of [client, third.client]) each.close();
});

test('a shared-table that was killed leaves nothing, and the next begins empty', async () => {
  const segments = () => readdirSync('/dev/shm').sort();
  const before = segments();
  const first = await listening('shared-table');
  expect(await first.client.ask('ada')).toBe('1');
  first.program.kill('SIGKILL');
  await first.program.ended();
  expect(segments()).toEqual(before);
  const next = await listening('shared-table');
  expect(await next.client.ask('all')).toBe('');
  expect(await next.client.ask('ada')).toBe('1');
  for (const { client } of [first, next]) client.close();
});

test.runIf(process.getuid?.() === 0)(
  'workers of shared-table that become another user have its table',
  async () => {
    const { client, program } = await listening('shared-table', 'nobody');
    expect(await client.ask('ada')).toBe('1');
    expect(await client.ask('ada')).toBe('2');
    expect(program.output).not.toMatch(/abnormal exit/);
    client.close();
  },
);

test('fetch answers requests, gives back what it was sent, and ends its events with the client', async () => {
  const { client, program } = await listening('fetch');
  client.close();
  const [, port] = await program.printed(/listening on (\d+)/);
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;
  expect(await (await fetch(at('/'))).text()).toBe('Hello World\n');
  const asked = await fetch(at('/who'), { headers: { 'User-Agent': 'test' } });
  expect(await asked.json()).toMatchObject({ agent: 'test', worker: expect.any(Number) });
  const sent = await fetch(at('/back'), { method: 'POST', body: 'there and back' });
  expect(await sent.text()).toBe('there and back');
  expect((await fetch(at('/nothing'))).status).toBe(404);
  const leaving = new AbortController();
  const { body } = await fetch(at('/events'), { signal: leaving.signal });
  const { value } = await (body as ReadableStream<Uint8Array>).getReader().read();
  expect(String(value && Buffer.from(value))).toBe('data: 1\n\n');
  leaving.abort();
  await program.printed(/a client has left after \d+ events/);
});
