import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TaskError, type TaskEvent, TaskPool } from '@millrace/task-pool';
import { descendants, isRunning, openDescriptors, until, within } from '@millrace/testkit';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type * as plain from '../fixtures/plain-functions.js';
import { type Fixture, gate, MODULE, over, scratch, startPool, TRANSPORTS } from '../support.js';

const open = ({ files }: ReturnType<typeof gate>) => writeFileSync(files.open, '');

describe.each(TRANSPORTS)('a pool over %s', (transport) => {
  test('runs tasks in processes of its own, and gives back what they return', async () => {
    await using pool = new TaskPool<Fixture>(MODULE, { size: 2, ...over(transport) });
    expect(await pool.run('double', 21)).toBe(42);
    expect(await pool.run('pid')).not.toBe(process.pid);
    for (const value of [0, false, '', null, undefined, { a: [1n, new Date(0)] }, new Map([[1, 2]])])
      expect(await pool.run('echo', value)).toEqual(value);
  });

  test('runs 20,000 tasks at a time, each answered with its own result', async () => {
    const pool = startPool({ ...over(transport), maxQueue: 20_000 });
    const results = await Promise.all(Array.from({ length: 20_000 }, (_, i) => pool.run('double', i)));
    expect(results.every((result, i) => result === 2 * i)).toBe(true);
    expect(pool.stats()).toMatchObject({ queued: 0, running: 0, completed: 20_000, failed: 0, late: 0 });
  });

  test('values of any size arrive whole, as values and as bytes', async () => {
    const pool = startPool({ ...over(transport) });
    for (const length of [0, 511, 512, 8_100, 8_192, 65_536, 3_000_000]) {
      const bytes = Buffer.alloc(length, length % 251);
      expect(Buffer.compare((await pool.run('echo', bytes)) as Buffer, bytes)).toBe(0);
      const text = 'ö'.repeat(length / 2);
      expect(await pool.run('echo', text)).toBe(text);
    }
  });

  test('leaves no descriptor, file or process behind', async () => {
    const taskTmpdir = scratch();
    const descriptors = openDescriptors('self');
    const before = new Set(descendants(process.pid).map(({ pid }) => pid));
    const own = () => descendants(process.pid).filter(({ pid }) => !before.has(pid));
    const pool = new TaskPool<Fixture>(MODULE, { size: 2, ...over(transport), taskTmpdir });
    await pool.run('echo', Buffer.alloc(100_000));
    await until('two workers and their spare to run', () => own().length === 3);
    await pool.close();
    await pool.close();
    await until('everything to be gone', () => openDescriptors('self') <= descriptors);
    expect(own()).toEqual([]);
    expect(readdirSync(taskTmpdir)).toEqual([]);
  });
});

test('an error arrives with its class, message, stack, cause and own properties', async () => {
  const pool = startPool();
  const error = (await pool.run('fail', 'as asked').catch((caught: unknown) => caught)) as Error;
  expect(error).toBeInstanceOf(RangeError);
  expect(error).toMatchObject({ message: 'as asked', code: 'E_TASK', at: [1] });
  expect(error.cause).toBeInstanceOf(TypeError);
  expect(error.stack).toContain('fixtures/tasks');
});

test('a result that cannot be sent, an unknown task and an unsendable value reject their callers alone', async () => {
  const pool = startPool({ size: 1 });
  const pid = await pool.run('pid');
  await expect(pool.run('unsendable')).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNSENDABLE',
    message: expect.stringContaining('a function'),
  });
  const unknown = pool.run('nothing' as 'noop');
  await expect(unknown).rejects.toMatchObject({ code: 'ERR_MILLRACE_UNKNOWN_TASK' });
  await expect(unknown).rejects.toBeInstanceOf(TaskError);
  await expect(pool.run('echo', { call: () => {} })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNSENDABLE',
  });
  expect(await pool.run('pid')).toBe(pid);
});

test('no task waits behind a slow one while another worker is free', async () => {
  const pool = startPool();
  const slow = gate();
  const held = pool.run('deafGate', slow.files);
  await slow.begun();
  const quick = await within(
    'the others',
    Promise.all(Array.from({ length: 500 }, (_, i) => pool.run('double', i))),
  );
  expect(quick[499]).toBe(998);
  open(slow);
  await held;
});

test('what was sent ahead to a worker that turns out slow is run by another', async () => {
  const pool = startPool();
  await pool.ready();
  // Quick ones until tasks are sent ahead; then one of the same name that is not.
  await Promise.all(Array.from({ length: 2_000 }, () => pool.run('block', 0)));
  const slow = pool.run('block', 1_500);
  const started = performance.now();
  const results = await Promise.all(Array.from({ length: 400 }, () => pool.run('block', 0)));
  const took = performance.now() - started;
  expect(results).toHaveLength(400);
  expect(await slow).toBe(1_500);
  expect(took).toBeLessThan(1_400);
});

test('tasks for a chosen worker run there, and hold nobody else up', async () => {
  const pool = startPool();
  await pool.ready();
  const [first, second] = await Promise.all([
    pool.run('pid', undefined, { worker: 0 }),
    pool.run('pid', undefined, { worker: 1 }),
  ]);
  expect(first).not.toBe(second);
  const slow = gate();
  const held = pool.run('gate', slow.files, { worker: 0 });
  await slow.begun();
  const waits = pool.run('pid', undefined, { worker: 0 });
  expect(await pool.run('pid')).toBe(second);
  open(slow);
  expect(await held).toBe(first);
  expect(await waits).toBe(first);
  await expect(pool.run('pid', undefined, { worker: 2 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_NO_TASK_WORKER',
  });
});

test('the highest priority goes first, and those of one priority in their order', async () => {
  const pool = startPool({ size: 1 });
  const slow = gate();
  const held = pool.run('gate', slow.files);
  await slow.begun();
  const order: string[] = [];
  const add = (name: string, priority: number) =>
    pool.run('echo', name, { priority }).then((result) => order.push(result as string));
  const all = [add('a0', 0), add('b5', 5), add('c0', 0), add('d5', 5), add('e-1', -1), add('f9', 9)];
  open(slow);
  await Promise.all([held, ...all]);
  expect(order).toEqual(['f9', 'b5', 'd5', 'a0', 'c0', 'e-1']);
});

test('a worker runs as many tasks at once as its concurrency says', async () => {
  const pool = startPool({ size: 1, concurrency: 3 });
  const gates = [gate(), gate(), gate()];
  const held = gates.map(({ files }) => pool.run('gate', files));
  for (const each of gates) await each.begun();
  const next = gate();
  const fourth = pool.run('gate', next.files);
  expect(pool.stats()).toMatchObject({ running: 3, queued: 1 });
  open(gates[1] as ReturnType<typeof gate>);
  await next.begun();
  for (const each of [...gates, next]) open(each);
  await Promise.all([...held, fourth]);
});

test('a full queue refuses, says when there is room, and takes again', async () => {
  const pool = startPool({ size: 1, maxQueue: 4 });
  const slow = gate();
  const held = pool.run('gate', slow.files);
  await slow.begun();
  const waiting = [1, 2, 3, 4].map((n) => pool.run('double', n));
  await expect(pool.run('double', 5)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_QUEUE_FULL',
    message: expect.stringContaining('the limit is 4'),
  });
  expect(() => pool.post('noop')).toThrow(/the limit is 4/);
  const drained = new Promise<void>((resolve) => pool.once('drain', resolve));
  open(slow);
  await within('drain', drained);
  expect(await pool.run('double', 6)).toBe(12);
  await Promise.all([held, ...waiting]);
});

test('tasks wait for a place in a full queue where that is chosen', async () => {
  const pool = startPool({ size: 1, maxQueue: 2, whenFull: 'wait' });
  const slow = gate();
  const held = pool.run('gate', slow.files);
  await slow.begun();
  const results = Array.from({ length: 50 }, (_, i) => pool.run('double', i));
  const stop = new AbortController();
  const aborted = pool.run('double', 0, { signal: stop.signal });
  expect(pool.stats().queued).toBe(51);
  stop.abort(new Error('no longer'));
  await expect(aborted).rejects.toThrow('no longer');
  open(slow);
  await held;
  expect((await Promise.all(results)).at(-1)).toBe(98);
});

test('a task that is aborted before it has begun never runs; one that runs is told why', async () => {
  const pool = startPool({ size: 1 });
  const slow = gate();
  const held = pool.run('gate', slow.files);
  await slow.begun();
  const file = join(scratch(), 'note');
  const stop = new AbortController();
  const waiting = pool.run('note', file, { signal: stop.signal });
  stop.abort(new Error('changed my mind'));
  await expect(waiting).rejects.toThrow('changed my mind');
  open(slow);
  await held;
  expect(await pool.run('echo', 1)).toBe(1);
  expect(existsSync(file)).toBe(false);
  const told = join(scratch(), 'told');
  const later = new AbortController();
  const running = pool.run('untilAborted', told, { signal: later.signal });
  await until('the task to begin', () => existsSync(`${told}.begun`));
  later.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  await until(
    'the task to be told',
    () => existsSync(told) && readFileSync(told, 'utf8') === 'Error: enough',
  );
  await until('the late answer', () => pool.stats().late === 1);
  expect(pool.stats()).toMatchObject({ aborted: 2, failed: 2 });
});

test('a task that goes on after its time-out has its worker killed after the grace, and replaced', async () => {
  const pool = startPool({ size: 1, grace: 20 });
  const pid = await pool.run('pid');
  const killed = new Promise((resolve) => pool.once('workerKilled', resolve));
  let timeouts = 0;
  let next: unknown;
  // One that has not begun when its time is over is dropped, and no worker is killed for it: the next one has longer.
  do {
    const stuck = pool.run('block', 60_000, { timeout: 10 << timeouts });
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_TIMEOUT' });
    timeouts++;
    next = await within('the next answer', pool.run('pid'));
  } while (next === pid);
  // Every second task is one that asks for the pid.
  const task = { id: 2 * timeouts, name: 'block' };
  expect(await within('the kill', killed)).toEqual({ worker: 0, pid, task, alongside: [] });
  expect(pool.stats().timedOut).toBe(timeouts);
});

test('a callback is called once, in the asynchronous context of its caller', async () => {
  const pool = startPool();
  const storage = new AsyncLocalStorage<string>();
  const seen = await storage.run(
    'mine',
    () =>
      new Promise<unknown[]>((resolve) => {
        pool.call('double', 4, (error, result) => resolve([error, result, storage.getStore()]));
      }),
  );
  expect(seen).toEqual([undefined, 8, 'mine']);
  const failed = await new Promise((resolve) => pool.call('fail', 'no', (error) => resolve(error)));
  expect(failed).toBeInstanceOf(RangeError);
});

test('progress is reported in the context of the caller, before the result', async () => {
  const pool = startPool();
  const storage = new AsyncLocalStorage<string>();
  const reports: unknown[] = [];
  const result = await storage.run('mine', () =>
    pool.run('progress', 4, { onProgress: (part) => reports.push([part, storage.getStore()]) }),
  );
  expect(result).toBe('done');
  expect(reports).toEqual([0.25, 0.5, 0.75, 1].map((part) => [part, 'mine']));
});

test('a task may give several results, in their order, and an error after them', async () => {
  const pool = startPool();
  const found: number[] = [];
  for await (const n of pool.stream('count', 1_000)) found.push(n);
  expect(found).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
  const before: number[] = [];
  const broken = async () => {
    for await (const n of pool.stream('breaks', 40)) before.push(n);
  };
  await expect(broken()).rejects.toThrow('broken off');
  expect(before).toHaveLength(40);
  await expect(pool.run('count' as 'noop', 3 as never)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_STREAM',
  });
});

test('a stream goes no further than its reader lets it, and ends when the reader leaves', async () => {
  const pool = startPool({ size: 1 });
  const file = join(scratch(), 'at');
  const stream = pool.stream('endless', file);
  expect((await stream.next()).value).toBe(0);
  await until('the task to come to its limit', () => readFileSync(file, 'utf8') === '15');
  await stream.return?.();
  await until('the end of the generator', () => existsSync(`${file}.ended`));
  expect(Number(readFileSync(file, 'utf8'))).toBe(15);
  expect(await pool.run('echo', 'free again')).toBe('free again');
});

test('runAll gives results by index, and says which came late', async () => {
  const pool = startPool();
  await pool.ready();
  const results = await pool.runAll(
    'later',
    [
      { ms: 1, value: 'a' },
      { ms: 5_000, value: 'b' },
      { ms: 1, value: 'c' },
    ],
    { timeout: 1_000 },
  );
  expect(results).toEqual([
    { status: 'done', value: 'a' },
    { status: 'late' },
    { status: 'done', value: 'c' },
  ]);
  expect(await pool.runAll('fail', ['x'])).toMatchObject([{ status: 'failed', error: { message: 'x' } }]);
});

test('post runs a task for which nobody waits', async () => {
  const pool = startPool();
  const file = join(scratch(), 'note');
  for (let i = 0; i < 10; i++) pool.post('note', file);
  await until('ten notes', () => existsSync(file) && readFileSync(file, 'utf8') === 'xxxxxxxxxx');
  pool.post('fail', 'seen in the statistics');
  await until('the failure', () => pool.stats().failed === 1);
});

test('close waits for what it has, refuses more, and ends the workers', async () => {
  const pool = startPool();
  const pids = new Set(
    await Promise.all(
      Array.from({ length: 20 }, () => pool.run('later', { ms: 5, value: 0 }).then(() => pool.run('pid'))),
    ),
  );
  const last = pool.run('later', { ms: 20, value: 'last' });
  const closed = pool.close();
  await expect(pool.run('noop')).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_CLIENT_CLOSED' });
  expect(await last).toBe('last');
  await within('the close', closed);
  for (const pid of pids) expect(isRunning(pid)).toBe(false);
});

test('destroy rejects what has no answer, at once', async () => {
  const pool = startPool({ size: 1 });
  const slow = gate();
  const held = pool.run('deafGate', slow.files);
  await slow.begun();
  const waiting = pool.run('noop');
  const destroyed = pool.destroy();
  for (const task of [held, waiting])
    await expect(task).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_CLIENT_CLOSED' });
  await within('the end', destroyed);
});

test('each change of state is published, and statistics say what happened', async () => {
  const seen: string[] = [];
  const states = ['queued', 'sent', 'completed', 'failed'];
  const listeners = states.map((state) => {
    const listener = (event: unknown) => seen.push(`${state} ${(event as TaskEvent).name}`);
    subscribe(`millrace:task:${state}`, listener);
    return { state, listener };
  });
  const pool = startPool({ size: 1 });
  await pool.ready();
  await pool.run('double', 1);
  await pool.run('fail', 'x').catch(() => {});
  for (const { state, listener } of listeners) unsubscribe(`millrace:task:${state}`, listener);
  expect(seen).toEqual([
    'queued double',
    'sent double',
    'completed double',
    'queued fail',
    'sent fail',
    'failed fail',
  ]);
  await pool.run('block', 20);
  const { runTime, waitTime, utilisation } = pool.stats();
  expect(runTime).toMatchObject({ count: 3 });
  expect(runTime.max).toBeGreaterThanOrEqual(20);
  expect(runTime.p50).toBeLessThan(runTime.p99);
  expect(waitTime.count).toBe(3);
  expect(utilisation).toBeGreaterThan(0);
});

const fixture = (name: string) => new URL(`../../dist-test/fixtures/${name}.js`, import.meta.url);

test('a module that fails is given up with a reason', async () => {
  const pool = new TaskPool(fixture('fails'), { size: 1, restart: { giveUpAfter: 2, backOff: 1 } });
  const task = pool.run('noop' as never, undefined as never);
  await expect(pool.ready()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_START_FAILED' });
  await expect(task).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_POOL_FAILED' });
  expect(pool.stats().workers).toMatchObject([{ starts: 2 }]);
  await pool.close();
});

test.each([
  ['no-tasks', "has no tasks: it needs 'export const tasks = defineTasks({ … })'; it exports nothing."],
  ['plain-functions', "has no tasks: it needs 'export const tasks = defineTasks({ … })'; it exports double."],
  ['empty', "has no tasks: it needs 'export const tasks = defineTasks({ … })'; it exports an empty 'tasks'."],
  [
    'empty-default',
    "has no tasks: it needs 'export const tasks = defineTasks({ … })'; it exports an empty 'default'.",
  ],
  ['no-function', "has as its task 'limit' is no function, but 3: it needs"],
])('a module without tasks is started once: %s', async (name, says) => {
  const pool = new TaskPool(fixture(name), { size: 2 });
  const failed: Error[] = [];
  pool.on('failed', (error) => failed.push(error));
  const task = pool.run('noop' as never, undefined as never);
  await expect(pool.ready()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_NO_TASKS',
    message: expect.stringContaining(says),
  });
  await expect(task).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_POOL_FAILED',
    message: expect.stringContaining(`${fixture(name)}`),
  });
  await until('the pool to have failed', () => failed.length > 0);
  expect(pool.stats().workers).toMatchObject([
    { pid: undefined, starts: 1 },
    { pid: undefined, starts: 1 },
  ]);
  await pool.close();
});

test('a module without tasks whose first process was killed is not started for ever', async () => {
  const module = fixture('killed-first');
  module.searchParams.set('killed', join(scratch(), 'killed'));
  const pool = new TaskPool(module, { size: 1, restart: { giveUpAfter: 100 } });
  const ends: unknown[] = [];
  pool.on('workerExit', ({ code, signal, delay }) => ends.push({ code, signal, delay }));
  await expect(pool.ready()).rejects.toMatchObject({ code: 'ERR_MILLRACE_NO_TASKS' });
  expect(ends).toEqual([
    { code: null, signal: 'SIGKILL', delay: 0 },
    { code: 1, signal: null, delay: undefined },
  ]);
  await pool.close();
});

test.each([
  [{ size: 0 }, 'size'],
  [{ concurrency: 41 }, 'concurrency'],
  [{ maxQueue: 0 }, 'maxQueue'],
  [{ maxTasks: 1.5 }, 'maxTasks'],
  [{ transport: 'pigeon' as 'pipe' }, 'pigeon'],
  [{ whenFull: 'drop' as 'wait' }, 'whenFull'],
  [{ taskTmpdir: 'relative/path' }, 'taskTmpdir'],
])('the options %j are refused', (options, what) => {
  expect(() => new TaskPool(MODULE, options)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_TASK_OPTION', message: expect.stringContaining(what) }),
  );
});

test('the functions that a module exports one by one are no tasks', () => {
  const check = (pool: TaskPool<typeof plain>) => {
    // @ts-expect-error they are not in its export `tasks`
    void pool.run('double', 1);
  };
  expect(check).toBeTypeOf('function');
});

test('tasks are typed from their module', () => {
  type Pool = TaskPool<Fixture>;
  expectTypeOf<ReturnType<Pool['close']>>().resolves.toBeVoid();
  const check = (pool: Pool) => {
    expectTypeOf(pool.run('double', 1)).resolves.toBeNumber();
    expectTypeOf(pool.stream('count', 1)).toEqualTypeOf<AsyncIterableIterator<number>>();
    // @ts-expect-error a number is wanted
    void pool.run('double', 'two');
    // @ts-expect-error a value is wanted
    void pool.run('double');
    // @ts-expect-error it gives several results
    void pool.run('count', 1);
    // @ts-expect-error there is no such task
    void pool.run('missing');
  };
  expect(check).toBeTypeOf('function');
});

const NO_TIMES = [Number.NaN, -1, '5' as unknown as number];

test.each([30 * 86_400_000, Number.POSITIVE_INFINITY])(
  'a task may take %d ms, and so may the close',
  async (timeout) => {
    const pool = startPool({ size: 1 });
    const slow = gate();
    const held = pool.run('deafGate', slow.files, { timeout });
    await slow.begun();
    const closed = pool.close({ timeout });
    // Node fires what does not fit its timers after 1 ms: before this one, which is younger and longer.
    await new Promise((resolve) => setTimeout(resolve, 2));
    open(slow);
    await within('the task', held);
    await within('the close', closed);
  },
);

test('a task with no time at all is not sent; what is no time is refused and leaves nothing in the books', async () => {
  const pool = startPool({ size: 1 });
  await expect(pool.run('double', 1, { timeout: 0 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_TIMEOUT',
  });
  for (const timeout of NO_TIMES) {
    await expect(pool.run('double', 1, { timeout })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TIMEOUT_VALUE',
    });
    await expect(pool.close({ timeout })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT_VALUE' });
    expect(() => startPool({ grace: timeout })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMEOUT_VALUE', argument: 'grace' }),
    );
  }
  await expect(pool.run('double', 1, { signal: {} as AbortSignal })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_SIGNAL_VALUE',
  });
  expect(await pool.run('double', 1, { timeout: 20_000 })).toBe(2);
  await within('the close', pool.close());
});
