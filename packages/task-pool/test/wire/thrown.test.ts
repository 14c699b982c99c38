import { until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { reviveThrown } from '../../src/wire/revive-thrown.js';
import { describeThrown } from '../../src/wire/thrown.js';
import { gate, over, startPool, TRANSPORTS } from '../support.js';

type Caught = Error & Record<string, unknown>;

describe.each(TRANSPORTS)('over %s', (transport) => {
  const pool = (size = 1, more = {}) => startPool({ size, ...over(transport), ...more });
  const caught = async (work: Promise<unknown>) =>
    (await work.then(
      () => expect.unreachable(),
      (error: unknown) => error,
    )) as Caught;

  test('what a task takes out of its context works', async () => {
    const steps: unknown[] = [];
    expect(await pool().run('takenApart', 3, { onProgress: (step) => steps.push(step) })).toBe(false);
    expect(steps).toEqual([1, 2, 3]);
  });

  test('an error keeps the name of its class, the built-in one below it, and errors at any depth', async () => {
    const error = await caught(pool().run('throws', 'deep'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.constructor.name).toBe('HttpError');
    expect(error).toMatchObject({ name: 'RangeError', message: 'status 500', status: 500 });
    expect(error.stack).toContain('fixtures/tasks');
    const { at, when } = error.request as { at: [number, Caught]; when: Date };
    expect(when).toEqual(new Date(7));
    expect(at[0]).toBe(1);
    expect(at[1]).toBeInstanceOf(TypeError);
    expect(at[1].cause).toMatchObject({ message: 'status 404', status: 404 });
    expect(error.cause).toBeInstanceOf(DOMException);
    expect(error.cause).toMatchObject({ name: 'AbortError', message: 'gone' });
    expect(Object.keys(error)).not.toContain('cause');
  });

  test('an AggregateError keeps its errors', async () => {
    const error = await caught(pool().run('throwsAny'));
    expect(error).toBeInstanceOf(AggregateError);
    const [first, second] = error.errors as [Caught, Caught];
    expect(first).toBeInstanceOf(TypeError);
    expect(second).toMatchObject({ status: 503 });
  });

  test('what cannot be sent is left out and named, and takes nothing else with it', async () => {
    const error = await caught(pool().run('throws', 'unsendable'));
    expect(error).toMatchObject({ status: 500, code: 'ECONNREFUSED' });
    expect(error.config).toEqual({ url: '/a', agents: [1, undefined, 3] });
    expect(error).not.toHaveProperty('timer');
    expect(error.unsendable).toEqual(
      expect.arrayContaining([
        'config.retry',
        'config.agents.1',
        'config.Symbol(secret)',
        'timer',
        'broken',
        'Symbol(own)',
      ]),
    );
  });

  test('causes in a circle arrive as a circle, and an endless chain has an end', async () => {
    const tasks = pool();
    const a = await caught(tasks.run('throws', 'cyclic'));
    const b = a.cause as Caught;
    expect(b).toBeInstanceOf(TypeError);
    expect(b.cause).toBe(a);
    expect(a.again).toBe(b);
    expect((a.held as { a: unknown }).a).toBe(a);
    expect(a.unsendable).toEqual(['held.self']);
    let depth = 0;
    let last = await caught(tasks.run('throws', 'chain'));
    for (; last.cause !== undefined; last = last.cause as Caught) depth++;
    expect(depth).toBe(99);
    expect(last.unsendable).toEqual(['cause']);
  });

  test('what is no error arrives as it was, or says what of it could not be sent', async () => {
    const tasks = pool();
    const { error, ...rest } = (await caught(tasks.run('throws', 'object'))) as unknown as { error: Caught };
    expect(rest).toEqual({ reason: 7 });
    expect(error).toMatchObject({ status: 1 });
    expect(await caught(tasks.run('throws', 'undefined'))).toBeUndefined();
    expect(await caught(tasks.run('throws', 'text'))).toBe('text');
    const refused = { code: 'ERR_MILLRACE_UNSENDABLE' };
    expect(await caught(tasks.run('throws', 'partly'))).toMatchObject({
      ...refused,
      path: 'call',
      cause: { reason: 7 },
    });
    expect(await caught(tasks.run('throws', 'function'))).toMatchObject({ ...refused, path: 'value' });
    expect((await caught(tasks.run('throws', 'surrogate'))).message).toMatch(/^half .* a character$/);
  });

  test.each([
    ['thrown', 501],
    ['rejected', 502],
  ] as const)(
    'an error that nobody catches (%s) reaches the caller as the cause of the death',
    async (how, status) => {
      const tasks = pool();
      const error = await caught(tasks.run('uncaught', how));
      expect(error).toMatchObject({ code: 'ERR_MILLRACE_TASK_WORKER_DIED', exitCode: 1 });
      expect(error.message).toContain(`status ${status}`);
      expect(error.cause).toMatchObject({ status });
      expect((error.cause as Error).constructor.name).toBe('HttpError');
      expect(await tasks.run('echo', 'after')).toBe('after');
    },
  );

  test('who kills tasks by the grace of another says so, to them and to the pool', async () => {
    const tasks = pool(1, { concurrency: 2, grace: 20 });
    const killed: unknown[] = [];
    tasks.on('workerKilled', ({ worker, task, alongside }) => killed.push({ worker, task, alongside }));
    const innocent = gate();
    const beside = tasks.run('gate', innocent.files);
    await innocent.begun();
    const stuck = gate();
    const stop = new AbortController();
    const aborted = tasks.run('gate', stuck.files, { signal: stop.signal });
    await stuck.begun();
    const death = caught(beside);
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    const error = await within('the death', death);
    expect(error).toMatchObject({ code: 'ERR_MILLRACE_TASK_WORKER_DIED', signal: 'SIGKILL' });
    expect(error.cause).toMatchObject({ code: 'ERR_MILLRACE_TASK_STUCK' });
    expect(error.message).toContain("for task 'gate' (2) went on for more than 20 ms");
    await until('the event', () => killed.length === 1);
    expect(killed).toEqual([
      { worker: 0, task: { id: 2, name: 'gate' }, alongside: [{ id: 1, name: 'gate' }] },
    ]);
  });
});

test('whatever a rogue worker sends as an error is an error', () => {
  for (const garbage of [
    undefined,
    7,
    {},
    { errors: 1 },
    { root: { links: [[['a', 'b'], 0]] }, errors: [{}] },
  ])
    expect(reviveThrown(garbage as never)).toMatchObject({ code: 'ERR_MILLRACE_BAD_MESSAGE' });
  const polluted = describeThrown(new Error('x')).errors[0];
  const path = ['__proto__', 'polluted'];
  reviveThrown({
    root: { value: undefined, links: [[[], 0]], left: [] },
    errors: [{ ...(polluted as NonNullable<typeof polluted>), links: [[path, 0]] }],
  });
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
