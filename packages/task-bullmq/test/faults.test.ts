import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RemotePoolStats, serveTasks, type TaskHost } from '@millrace/task-broker';
import { FAULT_TASKS, type FaultTasks } from '@millrace/task-broker/contract';
import { type BullmqOptions, bullmq, bullmqEngine, TaskSchedules } from '@millrace/task-bullmq';
import { TaskPool, type TaskPoolOptions } from '@millrace/task-pool';
import { descendants, isRunning, Program, until } from '@millrace/testkit';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestRedis, whyNoRedis } from './redis.js';

type Pool = TaskPool<FaultTasks>;

const LOCK_MS = 1_500;
const why = whyNoRedis();

describe.skipIf(why)('over Redis', () => {
  let redis: TestRedis;
  let directory: string;
  const open: { destroy?(): Promise<void>; close(options?: { timeout: number }): Promise<void> }[] = [];

  beforeEach(async () => {
    redis = new TestRedis();
    directory = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
  });

  afterEach(async () => {
    for (const each of open.splice(0)) await (each.destroy?.() ?? each.close({ timeout: 0 }));
    await redis.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string) => join(directory, name);
  const options = (more: BullmqOptions = {}) => ({ connection: redis.connection, lock: LOCK_MS, ...more });

  function caller(more: Partial<TaskPoolOptions> = {}, transport = {}): Pool {
    const pool: Pool = new TaskPool<FaultTasks>(FAULT_TASKS, {
      size: 0,
      transport: bullmq({ ...options(), sweepEvery: 500, connectTimeout: 2_000, ...transport }),
      ...more,
    });
    open.push(pool);
    return pool;
  }

  async function host(size = 2, more: BullmqOptions = {}): Promise<TaskHost> {
    const served = serveTasks(FAULT_TASKS, { engine: bullmqEngine(options(more)), size, grace: 200 });
    open.push(served);
    await served.ready();
    return served;
  }

  const remote = (pool: Pool) => (pool.stats() as RemotePoolStats).remote;

  test('while Redis is away tasks are refused at once, with a reason; when it is back they run', async () => {
    await redis.start();
    await host();
    const pool = caller();
    expect(await pool.run('double', 1)).toBe(2);
    await redis.stop('SIGKILL');
    await until('the pool to know', () => !remote(pool).connected);
    const since = performance.now();
    await expect(pool.run('double', 2)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_ENGINE_AWAY' });
    expect(performance.now() - since).toBeLessThan(200);
    await redis.start();
    await until('the pool to know', () => remote(pool).connected);
    expect(await pool.run('double', 3)).toBe(6);
  });

  test('with whenFull: wait they wait, as many as maxQueue says, and run when it is back', async () => {
    await redis.start();
    await host();
    const pool = caller({ whenFull: 'wait', maxQueue: 10 });
    expect(await pool.run('double', 1)).toBe(2);
    await redis.stop('SIGKILL');
    await until('the pool to know', () => !remote(pool).connected);
    const waiting = Promise.all(Array.from({ length: 30 }, (_, i) => pool.run('double', i)));
    expect(pool.stats().queued).toBe(30);
    await redis.start();
    expect(await waiting).toEqual(Array.from({ length: 30 }, (_, i) => 2 * i));
  });

  test('a host without a task process leaves its tasks to others, and says so', async () => {
    await redis.start();
    const broken = serveTasks(FAULT_TASKS, {
      engine: bullmqEngine(options()),
      size: 1,
      restart: { when: 'never' },
    });
    open.push(broken);
    await broken.ready();
    const failed: Error[] = [];
    broken.on('failed', (error) => failed.push(error));
    const pool = caller();
    const begun = file('begun');
    const first = pool.run('gate', { begun, open: file('open') }, { retries: 1 });
    await until('the first to begin', () => existsSync(begun));
    const rest = Promise.all(Array.from({ length: 5 }, () => pool.run('attempt', undefined)));
    process.kill(broken.stats().workers[0]?.pid as number, 'SIGKILL');
    await until('the host to say so', () => failed.length === 1);
    expect(broken.stats()).toMatchObject({ failed: true, slots: 0, running: 0 });
    await until('its report', () => Object.values(remote(pool).queue?.hosts ?? {})[0]?.slots === 0);
    writeFileSync(file('open'), '');
    await host();
    expect([await first, ...(await rest)]).toEqual([2, 1, 1, 1, 1, 1]);
  });

  test('a pool that never finds its Redis refuses what waits', async () => {
    const pool = caller({}, { connectTimeout: 300 });
    await expect(pool.run('double', 1)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_ENGINE_AWAY',
      message: expect.stringContaining('ENOENT'),
    });
  });

  test('what Redis has acknowledged is answered after it was killed and started again with its file', async () => {
    const keeps = ['--appendonly', 'yes', '--appendfsync', 'always'];
    await redis.start(...keeps);
    const pool = caller();
    const all = Promise.all(Array.from({ length: 50 }, (_, i) => pool.run('double', i, { retries: 3 })));
    await until('Redis to have all', () => pool.stats().queued === 0 && pool.stats().running === 50);
    await redis.stop('SIGKILL');
    await redis.start(...keeps);
    await host();
    expect(await all).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i));
  });

  test('what a Redis without a file has forgotten is run again with retries, and else said to be lost', async () => {
    await redis.start();
    const pool = caller();
    const lost = pool.run('double', 1);
    const again = pool.run('attempt', undefined, { retries: 1 });
    const refused = expect(lost).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_LOST' });
    await until('Redis to have both', () => pool.stats().running === 2);
    await redis.stop('SIGKILL');
    await redis.start();
    await host();
    expect(await again).toBe(2);
    await refused;
    expect(remote(pool).lost).toBe(2);
  });

  test('a Redis that stands still for twice the lock costs attempts and no answer', async () => {
    await redis.start();
    await host();
    const pool = caller();
    const all = Promise.all(
      Array.from({ length: 20 }, (_, i) => pool.run('slow', { ms: 100, file: file(`${i}`) }, { retries: 5 })),
    );
    await until('some to have begun', () => existsSync(file('3')));
    redis.signal('SIGSTOP');
    const woken = performance.now() + 2 * LOCK_MS;
    await until('the time to pass', () => performance.now() > woken);
    redis.signal('SIGCONT');
    const attempts = await all;
    for (const [i, attempt] of attempts.entries())
      expect(readFileSync(file(`${i}`), 'utf8')).toContain(String(attempt));
    expect(pool.stats()).toMatchObject({ completed: 20, failed: 0 });
  });

  test('a task that blocks its process for three times the lock is run once, and answered', async () => {
    await redis.start();
    await host();
    await host();
    const pool = caller();
    expect(await pool.run('block', { ms: 3 * LOCK_MS, file: file('runs') }, { retries: 3 })).toBe(1);
    expect(readFileSync(file('runs'), 'utf8')).toBe('1');
  });

  test('the tasks of a host that is killed are run by another within 10 s, where retries allow it', async () => {
    await redis.start();
    const before = new Set(descendants(process.pid).map(({ pid }) => pid));
    const first: Pool = new TaskPool<FaultTasks>(FAULT_TASKS, {
      size: 1,
      transport: bullmq(options()),
    });
    open.push(first);
    await first.ready();
    const pool = caller();
    const gate = { begun: file('begun'), open: file('open') };
    const again = pool.run('gate', gate, { retries: 1 });
    await until('the task to begin', () => existsSync(gate.begun));
    const broker = descendants(process.pid).find(
      ({ pid, parent }) => parent === process.pid && !before.has(pid),
    );
    process.kill(broker?.pid as number, 'SIGKILL');
    await host();
    writeFileSync(gate.open, '');
    const since = performance.now();
    expect(await again).toBe(2);
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  test('a cancellation reaches a task on another host, and none of its neighbours', async () => {
    await redis.start();
    await host(4);
    const pool = caller();
    const gates = [0, 1, 2, 3].map((i) => ({ begun: file(`begun${i}`), open: file('open') }));
    const controllers = gates.map(() => new AbortController());
    const runs = gates.map((gate, i) =>
      pool.run('gate', gate, { signal: (controllers[i] as AbortController).signal }).catch(() => 'aborted'),
    );
    await until('all to begin', () => gates.every(({ begun }) => existsSync(begun)));
    (controllers[1] as AbortController).abort();
    (controllers[2] as AbortController).abort();
    await Promise.all([runs[1], runs[2]]);
    // Their places are free for others.
    expect(await pool.run('double', 4)).toBe(8);
    writeFileSync(gates[0]?.open as string, '');
    expect(await Promise.all(runs)).toEqual([1, 'aborted', 'aborted', 1]);
  });

  test('a host that is stopped in order finishes what it runs; the program does so at SIGTERM', async () => {
    await redis.start();
    const bin = new URL('../../task-broker/bin/millrace-tasks.js', import.meta.url);
    const args = [FAULT_TASKS.pathname, '--queue', `unix:${redis.connection}`, '--size', '1'];
    const program = new Program(bin, { args });
    try {
      const pool = caller({}, { connection: redis.connection });
      const gate = { begun: file('begun'), open: file('open') };
      const held = pool.run('gate', gate);
      await until('the task to begin', () => existsSync(gate.begun));
      process.kill(program.pid, 'SIGTERM');
      const next = pool.run('double', 1);
      writeFileSync(gate.open, '');
      expect(await held).toBe(1);
      await until('the program to end', () => !isRunning(program.pid));
      await host();
      expect(await next).toBe(2);
    } finally {
      await program[Symbol.asyncDispose]();
    }
  });

  test('a maxmemory-policy that drops tasks is refused, unless it is accepted', async () => {
    await redis.start('--maxmemory-policy', 'allkeys-lru');
    const pool = caller();
    const refused = {
      code: 'ERR_MILLRACE_TASK_ENGINE_SETTING',
      message: expect.stringContaining('noeviction'),
    };
    await expect(pool.run('double', 1)).rejects.toMatchObject(refused);
    await expect(pool.ready()).rejects.toMatchObject(refused);
    const served = serveTasks(FAULT_TASKS, { engine: bullmqEngine(options()), size: 1 });
    open.push(served);
    await expect(served.ready()).rejects.toMatchObject(refused);
    await host(1, { allowEviction: true });
    expect(await caller({}, { allowEviction: true }).run('double', 2)).toBe(4);
  });

  test('what is no Redis is named with its address', async () => {
    const server = createServer((socket) => socket.write('INFO {"server_id":"N"}\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const pool = caller({}, { connection: `redis://127.0.0.1:${port}`, connectTimeout: 500 });
    await expect(pool.run('double', 1)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_ENGINE_AWAY',
      message: expect.stringContaining(
        `What listens at 127.0.0.1:${port} is no Redis: its answer begins with "I"`,
      ),
    });
    server.close();
  });

  test('a pool with a host of its own says that its module has no tasks', async () => {
    await redis.start();
    const module = new URL('../dist-test/redis.js', import.meta.url);
    const pool = new TaskPool<FaultTasks>(module, { size: 1, transport: bullmq(options()) });
    open.push(pool);
    await expect(pool.ready()).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_POOL_FAILED',
      message: expect.stringMatching(/cannot run tasks: \S+redis\.js has no tasks: it needs/),
    });
  });

  test('a Redis that is too old is refused by its version', async () => {
    const server = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        for (const command of String(data)
          .split('\r\n')
          .filter((word) => /^(info|time|client|hello)$/i.test(word))) {
          const info = 'redis_version:5.0.7\r\nmaxmemory_policy:noeviction\r\n';
          if (/info/i.test(command)) socket.write(`$${info.length}\r\n${info}\r\n`);
          else if (/time/i.test(command)) socket.write('*2\r\n$1\r\n1\r\n$1\r\n1\r\n');
          else socket.write('+OK\r\n');
        }
      });
    });
    const path = file('old.sock');
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      await expect(caller({}, { connection: path }).ready()).rejects.toMatchObject({
        code: 'ERR_MILLRACE_TASK_ENGINE_VERSION',
        message: expect.stringContaining('5.0.7'),
      });
    } finally {
      server.close();
    }
  });

  test('a schedule is enqueued by the engine, listed, and removed', async () => {
    await redis.start();
    await host();
    await using schedules = new TaskSchedules(options());
    await schedules.set('tick', { every: 200 }, 'note', { file: file('ticks'), text: 'x' });
    await until(
      'three runs',
      () => existsSync(file('ticks')) && readFileSync(file('ticks'), 'utf8').length >= 3,
    );
    expect(await schedules.list()).toMatchObject([{ id: 'tick', task: 'note', when: { every: 200 } }]);
    expect(await schedules.remove('tick')).toBe(true);
    expect(await schedules.list()).toEqual([]);
  });

  test('a limiter holds for all hosts', async () => {
    await redis.start();
    const limiter = { max: 2, duration: 1_000 };
    await host(2, { limiter });
    await host(2, { limiter });
    const pool = caller();
    const times = await Promise.all(Array.from({ length: 6 }, () => pool.run('time')));
    times.sort((a, b) => a - b);
    expect((times[5] as number) - (times[0] as number)).toBeGreaterThan(1_500);
  });

  test('a caller that has gone leaves no stream of replies, and statistics name the hosts', async () => {
    await redis.start();
    const { slots, address } = (await host()).stats();
    const pool = caller();
    await pool.run('double', 1);
    await until('the host to be counted', () => remote(pool).queue?.hosts[address]?.slots === slots);
    const client = new Redis(redis.connection);
    expect(await client.keys('*replies*')).toHaveLength(1);
    await pool.close();
    expect(await client.keys('*replies*')).toEqual([]);
    client.disconnect();
  });
});
