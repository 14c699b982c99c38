import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RemoteTransport, type TaskError, TaskPool, type TaskPoolOptions } from '@millrace/task-pool';
import type { TransportOptions } from '../caller/transport.js';
import type { EngineFeature } from '../engine/engine.js';
import type * as contractTasks from './contract-tasks.js';
import { fileStore } from './file-store.js';

export interface PoolFixture {
  /** A transport over a queue that is empty, and no other check's. */
  transport(options?: TransportOptions): RemoteTransport;
}

export interface PoolCheck {
  readonly name: string;
  /** What an engine need not have: it says so, and tasks that ask for it are refused. */
  readonly needs?: EngineFeature | undefined;
  run(fixture: PoolFixture): Promise<void>;
}

type Pool = TaskPool<typeof contractTasks>;

const MODULE = new URL('./contract-tasks.js', import.meta.url);
const WITH_STORE = new URL('./tasks-with-store.js', import.meta.url);
const DEADLINE_MS = 40_000;

/** What a `TaskPool` promises whatever its transport, of two task processes on this machine. */
export const poolContract: readonly PoolCheck[] = [
  check('runs tasks in other processes, and gives back what they return', {}, async ({ pool }) => {
    assert.equal(await pool.run('double', 21), 42);
    assert.notEqual(await pool.run('pid'), process.pid);
    for (const value of [
      0,
      false,
      '',
      null,
      undefined,
      { a: [1n, new Date(0)] },
      new Map([[1, 2]]),
      Buffer.from('b'),
    ])
      assert.deepEqual(await pool.run('echo', value), value);
  }),
  check('runs 500 tasks at a time, each answered with its own result', {}, async ({ pool }) => {
    const results = await Promise.all(Array.from({ length: 500 }, (_, i) => pool.run('double', i)));
    assert.ok(results.every((result, i) => result === 2 * i));
    // An answer may be looked up before its reply is here, which is late then.
    const { queued, running, completed, failed } = pool.stats();
    assert.deepEqual(
      { queued, running, completed, failed },
      { queued: 0, running: 0, completed: 500, failed: 0 },
    );
  }),
  check('an error arrives with its class, message, stack, cause and own properties', {}, async ({ pool }) => {
    const error = await failure(pool.run('fail', 404));
    assert.ok(error instanceof RangeError);
    assert.equal(error.constructor.name, 'HttpError');
    assert.deepEqual({ ...error, message: error.message }, { status: 404, at: [1], message: 'status 404' });
    assert.ok(error.cause instanceof TypeError);
    assert.match(String(error.stack), /contract-tasks/);
    assert.equal(await pool.run('throwText').catch((thrown: unknown) => thrown), 'text');
  }),
  check(
    'a result that cannot be sent, an unknown task and an unsendable value reject their callers alone',
    {},
    async ({ pool }) => {
      const pid = await pool.run('pid');
      assert.equal(await code(pool.run('unsendable')), 'ERR_MILLRACE_UNSENDABLE');
      assert.equal(await code(pool.run('nothing' as 'pid')), 'ERR_MILLRACE_UNKNOWN_TASK');
      assert.equal(await code(pool.run('echo', () => {})), 'ERR_MILLRACE_UNSENDABLE');
      assert.equal(await code(pool.run('count' as 'double', 3)), 'ERR_MILLRACE_TASK_STREAM');
      assert.equal(await pool.run('pid'), pid);
    },
    1,
  ),
  check('what is larger than the limit is a typed error that names it', {}, async ({ pool }) => {
    const value = await failure(pool.run('echo', Buffer.alloc(300_000)));
    assert.equal((value as TaskError).code, 'ERR_MILLRACE_TASK_TOO_LARGE');
    assert.match(value.message, /262144/);
    assert.equal(await code(pool.run('repeat', 300_000)), 'ERR_MILLRACE_TASK_TOO_LARGE');
    assert.equal(await code(pool.run('failAtLength', 300_000)), 'ERR_MILLRACE_TASK_TOO_LARGE');
    assert.equal((await pool.run('repeat', 200_000)).length, 200_000);
  }),
  check('with a store values of any size arrive', { largeValues: fileStore }, async ({ pool }) => {
    const bytes = Buffer.alloc(1_000_000, 3);
    assert.ok(bytes.equals((await pool.run('echo', bytes)) as Buffer));
    assert.equal((await failure(pool.run('failAtLength', 300_000))).message.length, 300_000);
  }),
  check('a task knows the number and the attempt that its caller counts', {}, async ({ pool }) => {
    const first = await pool.run('context');
    const second = await pool.run('context');
    assert.deepEqual(second, { id: first.id + 1, attempt: 1 });
  }),
  check(
    'the caller of a task whose process died is told, and no other task is lost',
    {},
    async ({ pool }) => {
      const others = Array.from({ length: 20 }, (_, i) => pool.run('double', i));
      const error = await failure(pool.run('die', 'kill'));
      assert.equal((error as TaskError).code, 'ERR_MILLRACE_TASK_WORKER_DIED');
      assert.equal((error as TaskError).signal, 'SIGKILL');
      assert.match(error.message, /'die'/);
      assert.equal(((await failure(pool.run('die', 'exit'))) as TaskError).exitCode, 7);
      assert.deepEqual(
        await Promise.all(others),
        Array.from({ length: 20 }, (_, i) => 2 * i),
      );
    },
  ),
  check('retries run a task again in another process, which knows the attempt', {}, async ({ pool }) => {
    assert.equal(await pool.run('dieUntil', 3, { retries: 2 }), 3);
    assert.equal(await code(pool.run('dieUntil', 3, { retries: 1 })), 'ERR_MILLRACE_TASK_WORKER_DIED');
    assert.equal(pool.stats().retried, 3);
  }),
  check('an uncaught error is the cause of its task’s', {}, async ({ pool }) => {
    const error = await failure(pool.run('uncaught'));
    assert.equal((error as TaskError).code, 'ERR_MILLRACE_TASK_WORKER_DIED');
    assert.match(String((error.cause as Error).message), /status 501/);
  }),
  check('a task that blocks its process holds no other up, and is run once', {}, async ({ pool, file }) => {
    const blocked = pool.run('block', 1_500);
    for (let i = 0; i < 20; i++) assert.equal(await pool.run('double', i), 2 * i);
    await blocked;
    await pool.run('note', { file: file('notes'), text: 'x' });
    assert.equal(readFileSync(file('notes'), 'utf8'), 'x');
  }),
  check(
    'the highest priority goes first, and those of one priority in their order',
    {},
    async ({ pool, file }) => {
      const gate = { begun: file('begun'), open: file('open') };
      const held = pool.run('gate', gate);
      await until('the gate to be reached', () => existsSync(gate.begun));
      const note = (text: string, priority: number) =>
        pool.run('note', { file: file('order'), text }, { priority });
      const all = [note('a', 0), note('b', -1), note('c', 5), note('d', 0), note('e', 5), note('f', -1)];
      // All of them have to be there before the first begins.
      await until('the engine to have all', () => pool.stats().queued === 0);
      writeFileSync(gate.open, '');
      await Promise.all([held, ...all]);
      assert.equal(readFileSync(file('order'), 'utf8'), 'ceadbf');
    },
    1,
    'priority',
  ),
  check(
    'a task that is aborted before it has begun never runs; one that runs is told',
    {},
    async ({ pool, file }) => {
      const gate = { begun: file('begun'), open: file('open') };
      const held = pool.run('gate', gate);
      await until('the gate to be reached', () => existsSync(gate.begun));
      const controller = new AbortController();
      const waiting = pool.run('note', { file: file('notes'), text: 'never' }, { signal: controller.signal });
      await until('the engine to have it', () => pool.stats().queued === 0);
      controller.abort(new Error('changed my mind'));
      assert.equal((await failure(waiting)).message, 'changed my mind');
      writeFileSync(gate.open, '');
      await held;
      const second = new AbortController();
      const running = failure(pool.run('untilAborted', file('aborted'), { signal: second.signal }));
      await until('the task to begin', () => existsSync(`${file('aborted')}.begun`));
      second.abort();
      await running;
      await until('the task to hear of it', () => existsSync(file('aborted')));
      assert.equal(readFileSync(file('aborted'), 'utf8'), 'AbortError');
      assert.equal(existsSync(file('notes')), false);
    },
    1,
  ),
  check(
    'a task that goes on after its time-out has its process killed after the grace',
    {},
    async ({ pool, file }) => {
      const late = await failure(pool.run('deaf', file('pid'), { timeout: 2_000 }));
      assert.equal((late as TaskError).code, 'ERR_MILLRACE_TASK_TIMEOUT');
      const pid = await until(
        'the task to have begun',
        // The file is there before anything is in it.
        () => existsSync(file('pid')) && (Number(readFileSync(file('pid'), 'utf8')) || false),
      );
      await until('its process to be killed', () => !isRunning(pid));
      assert.equal(await pool.run('double', 2), 4);
    },
    1,
  ),
  check('a callback is called once, in the asynchronous context of its caller', {}, async ({ pool }) => {
    const context = new AsyncLocalStorage<string>();
    const [error, result, where] = await new Promise<unknown[]>((resolve) => {
      context.run('here', () =>
        pool.call('double', 4, (failed, value) => resolve([failed, value, context.getStore()])),
      );
    });
    assert.deepEqual([error, result, where], [undefined, 8, 'here']);
  }),
  check('progress is reported before the result', {}, async ({ pool }) => {
    const reports: unknown[] = [];
    assert.equal(await pool.run('progress', 5, { onProgress: (report) => reports.push(report) }), 'done');
    assert.deepEqual(reports, [1, 2, 3, 4, 5]);
  }),
  check('a task may give several results, in their order, and an error after them', {}, async ({ pool }) => {
    const results: unknown[] = [];
    for await (const result of pool.stream('count', 1_000)) results.push(result);
    assert.deepEqual(
      results,
      Array.from({ length: 1_000 }, (_, i) => i + 1),
    );
    const some: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const result of pool.stream('breaks', 3)) some.push(result);
      })(),
    );
    assert.deepEqual([some, error.message], [[0, 1, 2], 'status 503']);
  }),
  check(
    'a stream goes no further than its reader lets it, and ends when the reader leaves',
    {},
    async ({ pool, file }) => {
      for await (const result of pool.stream('endless', file('at'))) if (result === 20) break;
      await until('the task to end', () => existsSync(`${file('at')}.ended`));
      assert.ok(Number(readFileSync(file('at'), 'utf8')) < 100);
    },
  ),
  check('a stream of which results were seen is not run again', {}, async ({ pool }) => {
    const some: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const result of pool.stream('diesAfter', 3, { retries: 5 })) some.push(result);
      })(),
    );
    assert.deepEqual([some, (error as TaskError).code], [[0, 1, 2], 'ERR_MILLRACE_TASK_WORKER_DIED']);
  }),
  check('runAll gives results by index, and says which came late', {}, async ({ pool, file }) => {
    const results = await pool.runAll('double', [1, 2, 3]);
    assert.deepEqual(
      results,
      [2, 4, 6].map((value) => ({ status: 'done', value })),
    );
    const gate = { begun: file('begun'), open: file('open') };
    assert.deepEqual(await pool.runAll('gate', [gate], { timeout: 500 }), [{ status: 'late' }]);
    writeFileSync(gate.open, '');
  }),
  check('post runs a task for which nobody waits', {}, async ({ pool, file }) => {
    pool.post('note', { file: file('notes'), text: 'posted' });
    await until('it to run', () => existsSync(file('notes')));
  }),
  check('one idempotency key is one task, and all its callers get the answer', {}, async ({ pool, file }) => {
    const gate = { begun: file('begun'), open: file('open') };
    const both = [1, 2].map(() => pool.run('gate', gate, { idempotencyKey: 'k' }));
    await until('the gate to be reached', () => existsSync(gate.begun));
    writeFileSync(gate.open, '');
    const [first, second] = await Promise.all(both);
    assert.equal(first, second);
    assert.equal(await pool.run('gate', gate, { idempotencyKey: 'k' }), first);
    assert.equal(readFileSync(gate.begun, 'utf8').split('\n').length, 2);
  }),
  check('a delayed task runs after its delay', {}, async ({ pool }) => {
    const since = performance.now();
    await pool.run('double', 1, { delay: 1_000 });
    assert.ok(performance.now() - since >= 990);
  }),
  check('close waits for what it has, refuses more, and ends the processes', {}, async ({ pool, file }) => {
    const gate = { begun: file('begun'), open: file('open') };
    const held = pool.run('gate', gate);
    await until('the gate to be reached', () => existsSync(gate.begun));
    const pid = await until('its pid', () => Number(readFileSync(gate.begun, 'utf8')) || false);
    const closing = pool.close();
    assert.equal(await code(pool.run('pid')), 'ERR_MILLRACE_TASK_CLIENT_CLOSED');
    writeFileSync(gate.open, '');
    assert.equal(await held, pid);
    await closing;
    await until('the processes to end', () => !isRunning(pid));
  }),
  check('destroy rejects what has no answer, at once', {}, async ({ pool, file }) => {
    const gate = { begun: file('begun'), open: file('open') };
    const held = code(pool.run('gate', gate));
    await until('the gate to be reached', () => existsSync(gate.begun));
    await pool.destroy();
    assert.equal(await held, 'ERR_MILLRACE_TASK_CLIENT_CLOSED');
    await until('the process to end', () => !isRunning(Number(readFileSync(gate.begun, 'utf8'))));
  }),
  check('what makes no sense is refused before it is counted', {}, async ({ pool }) => {
    for (const options of [{ worker: 0 }, { delay: -1 }, { idempotencyKey: '' }, { retries: 0.5 }])
      assert.equal(await code(pool.run('pid', undefined, options)), 'ERR_MILLRACE_TASK_OPTION');
    assert.equal(pool.stats().failed, 0);
  }),
];

interface Given {
  readonly pool: Pool;
  /** A path that is this check's own. */
  file(name: string): string;
}

function check(
  name: string,
  transport: TransportOptions,
  run: (given: Given) => Promise<void>,
  size = 2,
  needs?: EngineFeature,
): PoolCheck {
  return {
    name,
    needs,
    async run(fixture) {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-contract-'));
      const options: TaskPoolOptions = { size, grace: 300, transport: fixture.transport(transport) };
      const pool: Pool = new TaskPool<typeof contractTasks>(
        transport.largeValues ? WITH_STORE : MODULE,
        options,
      );
      try {
        await pool.ready();
        await run({ pool, file: (path) => join(directory, path) });
      } finally {
        await pool.destroy();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error, `expected an error, not ${String(error)}`);
  return error;
}

async function code(promise: Promise<unknown>): Promise<string> {
  return ((await failure(promise)) as TaskError).code;
}

/** One that has ended stays a zombie where nobody waits for orphans, as in a container. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until<T>(what: string, condition: () => T | false): Promise<T> {
  for (const end = performance.now() + DEADLINE_MS; ; await sleep(5)) {
    const value = condition();
    if (value) return value;
    assert.ok(performance.now() < end, `${what}: not within ${DEADLINE_MS} ms`);
  }
}
