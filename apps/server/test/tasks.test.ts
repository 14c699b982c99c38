import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, TestClient, until } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import type { ServerOptions } from '../src/index.js';
import { fixture } from './support.js';

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program[Symbol.asyncDispose]();
});

async function start(options: Partial<ServerOptions> = {}) {
  const program = new Program(fixture('tasks'), { args: [JSON.stringify(options)] });
  programs.push(program);
  const [, port] = await program.printed(/^listening (\d+)/m);
  const client = await TestClient.connect(Number(port));
  const ask = async (message: unknown) => {
    const [, kind, json] = (await client.ask(JSON.stringify(message))).match(/^(\w+) (.*)$/s) as string[];
    return { kind, result: JSON.parse(json as string) as unknown };
  };
  /** The lines that come next. */
  const lines = async (count: number) => {
    const found: string[] = [];
    while (found.length < count) found.push(await client.line());
    return found;
  };
  const taskWorker = (id: number) =>
    program.children().find(({ title, state }) => title === `millrace: task worker ${id}` && state !== 'Z')
      ?.pid;
  return { program, client, ask, lines, taskWorker };
}

test('G05 timers that a task arms in its task worker reach the client, in their order', async () => {
  const { client, lines } = await start();
  client.send(`${JSON.stringify({ form: 'plain', value: { what: 'timers' } })}\n`);
  expect(await lines(5)).toEqual([
    'finish "500 first"',
    'finish "500 second"',
    'finish "800"',
    'finish "1000 first"',
    'finish "1000 second"',
  ]);
});

test('a task finishes several times, by a promise, or not at all', async () => {
  const { client, lines } = await start();
  const plain = (what: string) => client.send(`${JSON.stringify({ form: 'plain', value: { what } })}\n`);
  plain('several');
  expect(await lines(4)).toEqual(['finish 1', 'finish 2', 'finish 3', 'finish "returned"']);
  plain('nothing');
  plain('promise');
  expect(await lines(1)).toEqual(['finish "promised"']);
});

test('G30 a callback of its own takes the result of a task, for any task worker and for a chosen one', async () => {
  const { client, ask, lines } = await start({ taskWorkerNum: 2 });
  const value = { what: 'echo', list: [1, { two: 2 }] };
  client.send(`${JSON.stringify({ form: 'callback', value })}\n`);
  const answer = JSON.stringify({ ...value, by: 0 });
  expect((await lines(2)).sort()).toEqual([`any ${answer}`, `chosen ${answer}`]);
  // No line of the general handler comes before this one.
  expect(await ask({ name: 'echo', value: 'next' })).toEqual({ kind: 'result', result: 'next' });
});

test('G31 a late result never satisfies the next wait', async () => {
  const { ask } = await start();
  for (const value of [{ a: [1, 2] }, 'text', { b: null }])
    expect(await ask({ name: 'echo', value })).toEqual({ kind: 'result', result: value });
  const late = { name: 'later', value: { ms: 300, value: 'late' }, options: { timeout: 200 } };
  expect(await ask(late)).toMatchObject({ kind: 'error', result: { code: 'ERR_MILLRACE_TASK_TIMEOUT' } });
  expect(await ask({ name: 'echo', value: 'its own' })).toEqual({ kind: 'result', result: 'its own' });
});

test('G32 a task that throws or returns what cannot be sent is an error, and its task worker lives on', async () => {
  const { ask } = await start();
  const before = await ask({ name: 'pid' });
  expect(await ask({ name: 'fail' })).toMatchObject({ kind: 'error', result: { message: 'as asked' } });
  expect(await ask({ name: 'unsendable' })).toMatchObject({ kind: 'error' });
  expect(await ask({ name: 'pid' })).toEqual(before);
  expect(await ask({ name: 'echo', value: 0 })).toEqual({ kind: 'result', result: 0 });
});

test('4,000 tasks run 4,000 times on four task workers', async () => {
  const { ask } = await start({ taskWorkerNum: 4 });
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  try {
    const file = join(directory, 'ran');
    expect(await ask({ form: 'many', name: 'note', value: file, options: 4_000 })).toMatchObject({
      result: 4_000,
    });
    expect(readFileSync(file, 'utf8')).toHaveLength(4_000);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('G35 the only task worker is killed five times in a row; a task sent afterwards runs', async () => {
  const { ask, taskWorker } = await start();
  const took: number[] = [];
  for (let i = 0; i < 5; i++) {
    const pid = await until('a task worker', () => taskWorker(0));
    const from = performance.now();
    process.kill(pid, 'SIGKILL');
    await until('another', () => (taskWorker(0) ?? pid) !== pid);
    took.push(Math.round(performance.now() - from));
  }
  console.log(`G35 milliseconds from the kill to a new task worker's title: ${took.join(', ')}`);
  expect(await ask({ name: 'echo', value: 'after' })).toEqual({ kind: 'result', result: 'after' });
});
