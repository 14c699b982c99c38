import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, TestClient, until } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { isBase, launch, overTasks, type TaskTransport } from '../support.js';

const programs: Program[] = [];
const ways: ReturnType<typeof overTasks>[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program[Symbol.asyncDispose]();
  for (const way of ways.splice(0)) way.remove();
});

const TRANSPORTS: readonly TaskTransport[] = ['ring', 'pipe', 'posix-queue', 'system-v-queue'];

async function start({
  taskTransport,
  ...more
}: Partial<ServerOptions> & { readonly taskTransport: TaskTransport }) {
  const way = overTasks(taskTransport);
  ways.push(way);
  const program = launch('tasks', { ...way.options, ...more });
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
  return { program, port: Number(port), client, ask, lines, taskWorker };
}

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A directory that is gone after the test. */
function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  directories.push(directory);
  return directory;
}

/** What the server has counted, asked on a connection of its own. */
async function stats(port: number): Promise<ServerStats> {
  const client = await TestClient.connect(port);
  const line = await client.ask(JSON.stringify({ form: 'stats' }));
  client.close();
  return JSON.parse(line.slice('stats '.length)) as ServerStats;
}

// In base mode tasks travel as in process mode.
describe.each(isBase ? (['ring'] as const) : TRANSPORTS)('tasks over a %s', (taskTransport) => {
  // Tasks that travel in a queue are answered over rings.
  test.skipIf(taskTransport.endsWith('queue'))(
    'G05 timers that a task arms in its task worker reach the client, in their order',
    async () => {
      const { client, lines } = await start({ taskTransport });
      client.send(`${JSON.stringify({ form: 'plain', value: { what: 'timers' } })}\n`);
      expect(await lines(5)).toEqual([
        'finish "500 first"',
        'finish "500 second"',
        'finish "800"',
        'finish "1000 first"',
        'finish "1000 second"',
      ]);
    },
  );

  test('a task finishes several times, by a promise, or not at all', async () => {
    const { client, lines } = await start({ taskTransport });
    const plain = (what: string) => client.send(`${JSON.stringify({ form: 'plain', value: { what } })}\n`);
    plain('several');
    expect(await lines(4)).toEqual(['finish 1', 'finish 2', 'finish 3', 'finish "returned"']);
    plain('nothing');
    plain('promise');
    expect(await lines(1)).toEqual(['finish "promised"']);
  });

  test('G30 a callback of its own takes the result of a task, for any task worker and for a chosen one', async () => {
    const { client, ask, lines } = await start({ taskTransport, taskWorkerNum: 2 });
    const value = { what: 'echo', list: [1, { two: 2 }] };
    client.send(`${JSON.stringify({ form: 'callback', value })}\n`);
    const answer = JSON.stringify({ ...value, by: 0 });
    expect((await lines(2)).sort()).toEqual([`any ${answer}`, `chosen ${answer}`]);
    // No line of the general handler comes before this one.
    expect(await ask({ name: 'echo', value: 'next' })).toEqual({ kind: 'result', result: 'next' });
  });

  test('what a task throws, and what nobody catches while it runs, reaches its caller with class, causes and properties', async () => {
    const { ask } = await start({ taskTransport });
    expect(await ask({ form: 'inspect', name: 'failDeep' })).toEqual({
      kind: 'inspected',
      result: {
        of: ['HttpError', true, 'status 500'],
        properties: { status: 500, unsendable: ['retry'] },
        cause: {
          of: ['AggregateError', false, 'all of them'],
          properties: {},
          errors: [{ of: ['HttpError', true, 'status 404'], properties: { status: 404 } }],
        },
      },
    });
    expect(await ask({ form: 'inspect', name: 'uncaught' })).toMatchObject({
      result: {
        properties: { code: 'ERR_MILLRACE_TASK_WORKER_DIED' },
        cause: { of: ['HttpError', true, 'status 501'], properties: { status: 501 } },
      },
    });
  });

  test('what a task takes out of its context works', async () => {
    const { client, ask } = await start({ taskTransport });
    client.send(`${JSON.stringify({ name: 'takenApart' })}\n`);
    expect(await client.line()).toBe('finish "finished"');
    expect(await client.line()).toBe('result true');
    expect(await ask({ name: 'echo', value: 'after' })).toEqual({ kind: 'result', result: 'after' });
  });

  test('G31 a late result never satisfies the next wait', async () => {
    const { ask } = await start({ taskTransport });
    for (const value of [{ a: [1, 2] }, 'text', { b: null }])
      expect(await ask({ name: 'echo', value })).toEqual({ kind: 'result', result: value });
    const late = { name: 'later', value: { ms: 300, value: 'late' }, options: { timeout: 200 } };
    expect(await ask(late)).toMatchObject({ kind: 'error', result: { code: 'ERR_MILLRACE_TASK_TIMEOUT' } });
    expect(await ask({ name: 'echo', value: 'its own' })).toEqual({ kind: 'result', result: 'its own' });
  });

  test('G32 a task that throws or returns what cannot be sent is an error, and its task worker lives on', async () => {
    const { ask } = await start({ taskTransport });
    const before = await ask({ name: 'pid' });
    expect(await ask({ name: 'fail' })).toMatchObject({ kind: 'error', result: { message: 'as asked' } });
    expect(await ask({ name: 'unsendable' })).toMatchObject({ kind: 'error' });
    expect(await ask({ name: 'pid' })).toEqual(before);
    expect(await ask({ name: 'echo', value: 0 })).toEqual({ kind: 'result', result: 0 });
  });

  test('4,000 tasks run 4,000 times on four task workers', async () => {
    const { ask } = await start({ taskTransport, taskWorkerNum: 4 });
    const file = join(scratch(), 'ran');
    expect(await ask({ form: 'many', name: 'note', value: file, options: 4_000 })).toMatchObject({
      result: 4_000,
    });
    expect(readFileSync(file, 'utf8')).toHaveLength(4_000);
  });

  test('G35 the only task worker is killed five times in a row; a task sent afterwards runs', async () => {
    const { ask, taskWorker } = await start({ taskTransport });
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

  test('no task waits behind a slow one of another worker while a task worker is free', async () => {
    const { client, port, ask } = await start({ taskTransport, workerNum: 2, taskWorkerNum: 2 });
    const gate = join(scratch(), 'open');
    client.send(`${JSON.stringify({ name: 'hold', value: gate })}\n`);
    await until('it to run', async () => (await stats(port)).taskRunningNum === 1);
    const others = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(port)));
    for (let i = 0; i < 10; i++) {
      const answers = others.map((other) => other.ask(JSON.stringify({ name: 'echo', value: i })));
      expect(await Promise.all(answers)).toEqual(others.map(() => `result ${i}`));
    }
    for (const other of others) other.close();
    writeFileSync(gate, '');
    expect(await client.line()).toBe('result "let go"');
    expect(await ask({ name: 'echo', value: 'after' })).toEqual({ kind: 'result', result: 'after' });
  });

  test('statistics say how many tasks wait, run, and were answered', async () => {
    const { client, port, lines } = await start({ taskTransport });
    const gate = join(scratch(), 'open');
    expect(await stats(port)).toMatchObject({ taskCount: 0, taskIdleWorkerNum: 1, taskingNum: 0 });
    for (const ask of [{ name: 'hold', value: gate }, { name: 'echo', value: 1 }, { name: 'fail' }])
      client.send(`${JSON.stringify(ask)}\n`);
    const wanted = { taskCount: 3, taskRunningNum: 1, taskingNum: 2, taskIdleWorkerNum: 0 };
    await until('the tasks to wait', async () => {
      expect(await stats(port)).toMatchObject(wanted);
      return true;
    });
    writeFileSync(gate, '');
    expect(await lines(3)).toHaveLength(3);
    expect(await stats(port)).toMatchObject({
      taskCount: 3,
      taskCompletedCount: 2,
      taskFailedCount: 1,
      taskingNum: 0,
      taskRunningNum: 0,
      taskIdleWorkerNum: 1,
    });
  });

  test.each(['memory', 'file'] as const)(
    'values of any size arrive whole, large ones in a %s',
    async (taskLargeValues) => {
      const taskTmpdir = scratch();
      const { program, ask } = await start({ taskTransport, taskLargeValues, taskTmpdir });
      const lengths = [0, 1, 8_000, 8_192, 65_536, 131_000, 131_072, 300_000, 2_000_000];
      for (let round = 0; round < 2; round++) {
        const { result } = await ask({ form: 'sizes', value: lengths });
        expect(result).toEqual(lengths.flatMap((length) => [length, length, length]));
      }
      const files = { name: 'files', value: { directory: taskTmpdir, padding: 'x'.repeat(10_000) } };
      const { result } = await ask(files);
      // The directory of the server, and nothing in it.
      expect(result).toHaveLength(1);
      program.kill('SIGTERM');
      await program.ended();
      expect(readdirSync(taskTmpdir)).toEqual([]);
    },
  );
});
