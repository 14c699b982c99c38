/** What used to leave a caller without an answer, or a worker without a use. */
import { chmodSync, mkdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryPair } from '@millrace/channel';
import { within } from '@millrace/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  ClaimTable,
  claimBytes,
  LargeValueFiles,
  TaskClient,
  type TaskClientOptions,
  type TaskMessage,
  TaskRunner,
  taskCodec,
} from '../../src/internal.js';
import { gate, scratch, startPool } from '../support.js';

const thrower = {
  get part(): never {
    throw new Error('not to be read');
  },
};

test('a value that throws when it is read is its caller’s error, and takes nobody’s place', async () => {
  const pool = startPool({ size: 1 });
  const refused = { code: 'ERR_MILLRACE_UNSENDABLE', path: 'value.part' };
  for (let i = 0; i < 3; i++) await expect(pool.run('echo', thrower)).rejects.toMatchObject(refused);
  await expect(pool.run(7 as unknown as 'echo', 'no name')).rejects.toThrow('must be a string, not 7');
  expect(await pool.run('echo', 'after')).toBe('after');
  // The same for one that has to wait before it is sent.
  const slow = gate();
  const held = pool.run('gate', slow.files);
  await slow.begun();
  const waiting = pool.run('echo', thrower);
  const behind = pool.run('echo', 'behind');
  writeFileSync(slow.files.open, '');
  await expect(waiting).rejects.toMatchObject(refused);
  expect(await behind).toBe('behind');
  await held;
  expect(pool.stats()).toMatchObject({ queued: 0, running: 0 });
});

test('a value or a result that cannot be read at the other end is an error for its caller', async () => {
  class Unreadable extends Float64Array {}
  const pool = startPool({ size: 1 });
  await expect(within('the answer', pool.run('echo', new Unreadable(2)))).rejects.toThrow();
  await expect(within('the answer', pool.run('unreadable'))).rejects.toThrow();
  expect(await pool.run('echo', 'after')).toBe('after');
});

describe('a worker that is not started again', () => {
  const restart = { when: 'never' } as const;

  test('is an error for those that have to be run by it, from then on too', async () => {
    const pool = startPool({ size: 2, restart });
    await pool.ready();
    await expect(pool.run('die', 'exit', { worker: 0 })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_WORKER_DIED',
    });
    const lost = { code: 'ERR_MILLRACE_NO_TASK_WORKER' };
    await expect(within('the answer', pool.run('pid', undefined, { worker: 0 }))).rejects.toMatchObject(lost);
    expect(await pool.run('echo', 'of the other')).toBe('of the other');
  });

  test('was the last: every task is rejected, and the pool can be closed', async () => {
    const pool = startPool({ size: 1, restart });
    await pool.ready();
    const died = pool.run('die', 'exit');
    const waiting = pool.run('echo', 'waits');
    await expect(died).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_WORKER_DIED' });
    const failed = { code: 'ERR_MILLRACE_TASK_POOL_FAILED' };
    await expect(within('the answer', waiting)).rejects.toMatchObject(failed);
    await expect(within('the answer', pool.run('echo', 'later'))).rejects.toMatchObject(failed);
    await within('the end', pool.close());
  });
});

describe('a client', () => {
  const open: { destroy(): void }[] = [];
  afterEach(() => {
    vi.useRealTimers();
    for (const channel of open.splice(0)) channel.destroy();
  });

  /** Two workers that answer `q` at once, but for 'slow', which is never answered. */
  function setUp(options: Partial<TaskClientOptions> = {}) {
    const claims = new ClaimTable(new ArrayBuffer(claimBytes(2)));
    const pairs = [0, 1].map(() => createMemoryPair<TaskMessage>(taskCodec));
    open.push(...pairs.flat());
    for (const [worker, [, far]] of pairs.entries())
      new TaskRunner({
        channels: [far],
        handler: () => (value) => (value === 'slow' ? new Promise(() => {}) : value),
        onUnsendable: () => {},
        claims: { tables: [claims], worker, workers: 2 },
      }).start();
    const links = pairs.map(([channel]) => ({ channel }));
    const client = new TaskClient({ links, incarnation: 1, claims, ...options });
    for (const worker of [0, 1]) client.workerReady(worker);
    return client;
  }

  const begun = async (client: TaskClient) => {
    while (client.stats().running === 0) await new Promise(setImmediate);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };

  test('that is closed rejects what it takes back from a slow worker, too', async () => {
    const client = setUp();
    // Known to be quick: sent ahead from now on.
    for (let i = 0; i < 200; i++) await client.run('q', i);
    const slow = client.run('q', 'slow', { worker: 1 });
    await begun(client);
    const start = performance.now();
    while (performance.now() - start < 2);
    const asked = [slow, ...[1, 2, 3].map((value) => client.run('q', value))];
    const all = Promise.allSettled(asked);
    client.close();
    const states = (await within('every answer', all)).map(({ status }) => status);
    expect(states).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(client.pending).toBe(0);
  });

  test('hears of its abort whatever the reason is', async () => {
    const client = setUp();
    const stop = new AbortController();
    const slow = client.run('q', 'slow', { signal: stop.signal });
    await begun(client);
    // Has no `toString`.
    const reason = Object.create(null);
    stop.abort(reason);
    await expect(within('the rejection', slow)).rejects.toBe(reason);
  });

  test('that is closed kills nobody later', async () => {
    let stuck = 0;
    const client = setUp({ grace: 1_000, stuck: () => stuck++ });
    const stop = new AbortController();
    const aborted = client.run('q', 'slow', { signal: stop.signal, worker: 0 });
    const closed = client.run('q', 'slow', { worker: 1 });
    await begun(client);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(1);
    client.close();
    await expect(closed).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_CLIENT_CLOSED' });
    expect(vi.getTimerCount()).toBe(0);
    expect(stuck).toBe(0);
  });
});

describe.runIf(process.getuid?.() === 0)('what a dead process of another user has left', () => {
  test('keeps nobody from starting', () => {
    const directory = scratch();
    chmodSync(directory, 0o777);
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    const left = join(directory, `millrace-tasks-${namespace}-4194305-1-0`);
    mkdirSync(left, { mode: 0o700 });
    writeFileSync(join(left, 'value'), '');
    process.seteuid?.(65_534);
    try {
      expect(LargeValueFiles.plan(directory, 'own').path).toContain('-own');
    } finally {
      process.seteuid?.(0);
    }
    rmSync(left, { recursive: true });
  });
});
