import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, TestClient, until } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProcessId, ServerOptions, ServerStats } from '../../src/index.js';
import { isBase, launch, overTasks, type TaskTransport } from '../support.js';

const programs: Program[] = [];
const ways: ReturnType<typeof overTasks>[] = [];
const directories: string[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program[Symbol.asyncDispose]();
  for (const way of ways.splice(0)) way.remove();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Workers 0 and 1, task workers 2 and 3, and a user process. */
const USER = 4;
const ASKERS: readonly ProcessId[] = [0, USER, 'manager', 'master'];

async function start(
  taskTransport: TaskTransport,
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const way = overTasks(taskTransport);
  ways.push(way);
  const program = launch('askers', { ...way.options, ...options }, env);
  programs.push(program);
  const [, port] = await program.printed(/^listening (\d+)/m);
  const client = await TestClient.connect(Number(port));
  const ask = async (target: ProcessId | 'self', form: string, more: object = {}) =>
    JSON.parse(await client.ask(JSON.stringify({ target, form, ...more }))) as {
      kind: string;
      result: unknown;
    };
  /** The result, of what is to have one. */
  const get = async (target: ProcessId | 'self', form: string, more: object = {}) => {
    const { kind, result } = await ask(target, form, more);
    expect(kind, JSON.stringify(result)).toBe('result');
    return result;
  };
  return { program, port: Number(port), client, ask, get };
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  directories.push(directory);
  return directory;
}

/** Names of a file that lets a task go, and of one that it writes to when it runs. */
function hold() {
  const directory = scratch();
  const value = { file: join(directory, 'go'), running: join(directory, 'running') };
  const isRunning = () => until('the task to run', () => existsSync(value.running));
  return { value, isRunning, letGo: () => writeFileSync(value.file, '') };
}

const TRANSPORTS: readonly TaskTransport[] = ['ring', 'pipe', 'posix-queue', 'system-v-queue'];

describe.each(isBase ? (['ring'] as const) : TRANSPORTS)('tasks of every process, over a %s', (transport) => {
  test('results, errors, time-outs, signals, reports, streams and many at once are as in a worker', async () => {
    const { ask, get } = await start(transport);
    for (const asker of ASKERS) {
      expect(await get(asker, 'task', { name: 'echo', value: { from: asker } })).toEqual({ from: asker });
      expect(await ask(asker, 'task', { name: 'fail' })).toMatchObject({ result: { message: 'as asked' } });
      const late = { name: 'never', options: { timeout: 50 } };
      expect(await ask(asker, 'task', late)).toMatchObject({ result: { code: 'ERR_MILLRACE_TASK_TIMEOUT' } });
      expect(await ask(asker, 'abort')).toMatchObject({ result: { message: 'not wanted any more' } });
      expect(await get(asker, 'reports')).toEqual({ result: 'reported', reports: [0, 1, 2] });
      expect(await get(asker, 'stream')).toEqual(Array.from({ length: 40 }, (_, i) => i));
      const values = Array.from({ length: 500 }, (_, i) => i);
      const all = values.map((value) => ({ status: 'done', value }));
      expect(await get(asker, 'runAll', { name: 'echo', value: values })).toEqual(all);
    }
  });

  test('what nobody waits for is run, and plain tasks finish where they were asked for', async () => {
    // Of ids 5 and 6 there is no process, unless it is scaled up.
    const { get } = await start(transport, { maxWorkerNum: 3, maxTaskWorkerNum: 3 });
    const directory = scratch();
    for (const asker of ASKERS) {
      const file = join(directory, String(asker));
      await get(asker, 'post', { name: 'note', value: file });
      await until('the note', () => existsSync(file));
      expect(await get(asker, 'plain', { value: 'data' })).toEqual([asker, 'data']);
      expect(await get(asker, 'heard')).toEqual([[asker, 'data']]);
      expect(await get(asker, 'callback', { value: 'several' })).toBe(1);
      const source = asker === 'manager' ? 7 : asker === 'master' ? 8 : asker;
      expect(await get(asker, 'task', { name: 'source' })).toBe(source);
    }
  });

  test('values of every size arrive whole in both directions', async () => {
    const { get } = await start(transport);
    const lengths = [100, 8_191, 8_192, 100_000, 3_000_000];
    for (const asker of ASKERS)
      expect(await get(asker, 'sizes', { value: lengths })).toEqual(
        lengths.flatMap((length) => [length, length]),
      );
  });

  test('the death of a task worker is told to every process that waits, or the task is run again', async () => {
    const { ask, get } = await start(transport);
    for (const asker of ASKERS) {
      expect(await ask(asker, 'task', { name: 'die' })).toMatchObject({
        result: { code: 'ERR_MILLRACE_TASK_WORKER_DIED' },
      });
      expect(await get(asker, 'task', { name: 'die', options: { retries: 1 } })).toBe(2);
      expect(await get(asker, 'task', { name: 'echo', value: 'next' })).toBe('next');
    }
  });

  test('a reload of the task workers costs no process a task', async () => {
    const { get } = await start(transport);
    const values = Array.from({ length: 2_000 }, (_, i) => i);
    const all = values.map((value) => ({ status: 'done', value }));
    const pid = await get(0, 'task', { name: 'pid', options: { worker: 0 } });
    for (const asker of ASKERS) {
      await get('manager', 'reloadTasks');
      expect(await get(asker, 'runAll', { name: 'echo', value: values })).toEqual(all);
    }
    expect(await get(0, 'task', { name: 'pid', options: { worker: 0 } })).not.toBe(pid);
  });

  test('a user process that is killed in the middle of a task costs nobody else one; the next one gets its own answers', async () => {
    const { program, get, client } = await start(transport);
    const held = hold();
    const pid = (await get(USER, 'pid')) as number;
    // The process that is asked dies: no answer comes.
    client.send(`${JSON.stringify({ target: USER, form: 'task', name: 'hold', value: held.value })}\n`);
    await held.isRunning();
    process.kill(pid, 'SIGKILL');
    const [, successor] = await program.printed(new RegExp(`event user (?!${pid}$)(\\d+)$`, 'm'));
    const other = await TestClient.connect(
      (await program.printed(/^listening (\d+)/m)).map(Number)[1] as number,
    );
    const askOther = async (target: ProcessId, value: unknown) =>
      JSON.parse(await other.ask(JSON.stringify({ target, form: 'task', name: 'echo', value }))) as unknown;
    expect(await askOther(USER, 'its own')).toEqual({ kind: 'result', result: 'its own' });
    held.letGo();
    for (let i = 0; i < 50; i++) {
      expect(await askOther(USER, i)).toEqual({ kind: 'result', result: i });
      expect(await askOther('master', i)).toEqual({ kind: 'result', result: i });
    }
    expect(Number(successor)).not.toBe(pid);
    other.close();
  });

  test('the death of the manager, and so of all task workers, is told to a master that waits; the next tasks run', async () => {
    const { program, get, ask } = await start(transport);
    const before = (await get('master', 'pids')) as { manager: number };
    const held = hold();
    // The worker that asks goes down with the manager; what the master has heard is in what it counts.
    void ask('master', 'task', { name: 'hold', value: held.value }).catch(() => {});
    await held.isRunning();
    process.kill(before.manager, 'SIGKILL');
    await until('another manager with all of its processes', () => {
      const started = program.output.match(/event workerStart \d/g);
      return started?.length === 8;
    });
    const client = await TestClient.connect(
      (await program.printed(/^listening (\d+)/m)).map(Number)[1] as number,
    );
    const askNow = async (target: ProcessId, form: string, more: object = {}) =>
      JSON.parse(await client.ask(JSON.stringify({ target, form, ...more }))) as { result: unknown };
    for (const asker of ASKERS)
      expect(await askNow(asker, 'task', { name: 'echo', value: 'again' })).toEqual({
        kind: 'result',
        result: 'again',
      });
    const { taskFailedCount, taskingNum, taskRunningNum } = (await askNow(0, 'stats')).result as ServerStats;
    expect({ taskFailedCount, taskingNum, taskRunningNum }).toEqual({
      taskFailedCount: 1,
      taskingNum: 0,
      taskRunningNum: 0,
    });
    client.close();
  });
});

test.runIf(process.getuid?.() === 0).each(['ring', 'pipe'] as const)(
  'where workers become another user the manager and the master write no files, over a %s: their large values are refused, large answers come',
  async (transport) => {
    const { ask, get } = await start(transport, { user: 'nobody' });
    for (const asker of ASKERS) {
      expect(await get(asker, 'length', { value: 4_000 })).toBe(4_000);
      expect(await get(asker, 'fill', { value: 3_000_000 })).toBe(3_000_000);
      const large = await ask(asker, 'length', { value: 3_000_000 });
      if (typeof asker === 'number') expect(large).toEqual({ kind: 'result', result: 3_000_000 });
      else
        expect(large.result).toMatchObject({
          code: 'ERR_MILLRACE_TASK_TMPDIR',
          message: expect.stringContaining('Ask for the task in a worker or a user process'),
        });
    }
  },
);

test('statistics count the tasks of every process', async () => {
  const { get } = await start('ring');
  for (const asker of ASKERS) await get(asker, 'task', { name: 'echo', value: 1 });
  await get(USER, 'task', { name: 'echo', value: 2 });
  expect(await get('master', 'stats')).toMatchObject({
    taskCount: 5,
    taskCompletedCount: 5,
    taskFailedCount: 0,
  });
});

test('a task that the server cannot run any more is refused at once, before task workers and after them', async () => {
  const { program } = await start('ring', {}, { MILLRACE_TEST_EARLY: '1' });
  await program.printed(/event managerStart ERR_MILLRACE_NOT_RUNNING/);
  program.kill('SIGTERM');
  await program.printed(/event managerStop ERR_MILLRACE_NOT_RUNNING/);
  await program.printed(/event shutdown ERR_MILLRACE_NOT_RUNNING/);
  await program.ended();
});

test('a stop waits for the tasks of user processes, the manager and the master', async () => {
  const { program, get } = await start('ring', { maxWaitTime: 10_000, taskWorkerNum: 3 });
  const holds: ReturnType<typeof hold>[] = [];
  // The user process has another number with three task workers.
  for (const asker of [USER + 1, 'manager', 'master'] as const) {
    const held = hold();
    await get(asker, 'announce', { value: held.value });
    await held.isRunning();
    holds.push(held);
  }
  program.kill('SIGTERM');
  await program.printed(/shutting down/);
  for (const { letGo } of holds) letGo();
  const { code, signal } = await program.ended();
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  for (const role of ['userProcess', 'manager', 'master'])
    expect(program.output).toContain(`event ${role}: let go`);
  expect(program.output).not.toMatch(/force kill|maxWaitTime/);
});

test('every process knows the pids of all, also of those that have taken the place of others', async () => {
  const { program, get } = await start('ring');
  const everybody: readonly ProcessId[] = [0, 1, 2, 3, USER, 'manager', 'master'];
  const own = async () => {
    const pids: Record<ProcessId, number> = {} as never;
    for (const id of everybody) pids[id] = (await get(id, 'pid')) as number;
    return pids;
  };
  const check = async () => {
    const pids = await own();
    const expected = {
      master: pids.master,
      manager: pids.manager,
      others: [0, 1, 2, 3, USER].map((id) => pids[id]),
    };
    for (const id of everybody) expect(await get(id, 'pids')).toEqual(expected);
    return pids;
  };
  const before = await check();
  expect(before.master).toBe(program.pid);
  for (const id of [2, USER]) {
    process.kill(before[id] as number, 'SIGKILL');
    await until(`another process ${id}`, async () => {
      const { others } = (await get('master', 'pids')) as { others: (number | null)[] };
      return others[id] !== before[id] && others[id] !== undefined && others[id] !== null;
    });
  }
  const after = await check();
  expect(after[2]).not.toBe(before[2]);
  expect(after[USER]).not.toBe(before[USER]);
  // In workerStart a process is itself already.
  for (const [, pid, as] of program.output.matchAll(/event workerStart \d pid (\d+) as (\d+)/g))
    expect(as).toBe(pid);
});

test('a process that there is not is an error in every process', async () => {
  const { ask } = await start('ring');
  for (const id of [0, 'manager', 'master'] as const) {
    expect(await ask(id, 'unknownPid')).toMatchObject({ result: { code: 'ERR_MILLRACE_NO_PROCESS' } });
    expect(await ask(id, 'stopWorker', { value: 99 })).toMatchObject({
      result: { code: 'ERR_MILLRACE_NO_PROCESS' },
    });
  }
});

test.each([0, 2, USER, 'manager', 'master'] as const)(
  'process %s can end the server, and replace one process in order',
  async (asker) => {
    const { program, get, client, port } = await start('ring');
    // The worker that serves this client waits for the answer, and so could not be the one that ends first.
    const worker = 1 - ((await get('self', 'me')) as number);
    const before = (await get(worker, 'pid')) as number;
    const [user, task] = [(await get(USER, 'pid')) as number, (await get(3, 'pid')) as number];
    const outcome = asker === 'manager' || asker === 'master' ? 'reloaded' : 'requested';
    const stop = async (id: number) =>
      expect(await get(asker, 'stopWorker', { value: id })).toMatchObject({ outcome });
    const replaced = (id: number, pid: number) =>
      until(`another process ${id}`, async () => {
        const fresh = await TestClient.connect(port);
        try {
          return (
            (await fresh.ask(JSON.stringify({ target: id, form: 'pid' }))) !==
            JSON.stringify({ kind: 'result', result: pid })
          );
        } catch {
          // In base mode clients of the worker that ends are closed.
          return false;
        } finally {
          fresh.close();
        }
      });
    await stop(3);
    await replaced(3, task);
    await stop(USER);
    await replaced(USER, user);
    expect(program.output).toContain(`event user ends ${user}`);
    if (!isBase) {
      await stop(worker);
      await replaced(worker, before);
      await get('self', 'task', { name: 'echo', value: 'the client is there still' });
    }
    client.send(`${JSON.stringify({ target: asker, form: 'shutdown' })}\n`);
    const { code, signal } = await program.ended();
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(program.output).not.toMatch(/abnormal exit|force kill/);
  },
);

test('an end that is asked for in workerStart comes in order once the server has started, and leaves nothing', async () => {
  const program = launch('askers', {}, { MILLRACE_TEST_SHUTDOWN: '1' });
  programs.push(program);
  await program.printed(/event workerStart 1/);
  const { code, signal } = await program.ended();
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(program.output).not.toMatch(/abnormal exit|force kill/);
});

test('each wrong call names the right one', async () => {
  const { ask } = await start('ring');
  const wrong = async (...value: unknown[]) => (await ask(0, 'wrong', { value })).result;
  expect(await wrong({ some: 'data' })).toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_TASK',
    message: expect.stringMatching(/type object is none.*there are echo, pid.*server\.plainTask\(data\)/s),
  });
  expect(await wrong('nothing')).toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_TASK',
    message: expect.stringContaining("'nothing'"),
  });
  expect(await wrong()).toMatchObject({ code: 'ERR_MILLRACE_UNKNOWN_TASK' });
  expect(await ask(0, 'wrongCallback')).toMatchObject({
    result: { code: 'ERR_MILLRACE_OPTION', message: expect.stringContaining('onFinish') },
  });
  expect(await ask(2, 'task', { name: 'echo' })).toMatchObject({
    result: { code: 'ERR_MILLRACE_WRONG_ROLE' },
  });
});
