import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RemotePoolStats, serveTasks, type TaskHost } from '@millrace/task-broker';
import { FAULT_TASKS, type FaultTasks } from '@millrace/task-broker/contract';
import { jetStream, jetStreamEngine } from '@millrace/task-nats';
import { TaskPool, type TaskPoolOptions } from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestNats, whyNoNats } from './nats.js';

type Pool = TaskPool<FaultTasks>;

const LOCK_MS = 1_500;

describe.skipIf(whyNoNats())('over JetStream', () => {
  let nats: TestNats;
  let directory: string;
  const open: { destroy?(): Promise<void>; close(options?: { timeout: number }): Promise<void> }[] = [];

  beforeEach(() => {
    nats = new TestNats();
    directory = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
  });

  afterEach(async () => {
    for (const each of open.splice(0)) await (each.destroy?.() ?? each.close({ timeout: 0 }));
    await nats.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string) => join(directory, name);
  const remote = (pool: Pool) => (pool.stats() as RemotePoolStats).remote;

  function caller(more: Partial<TaskPoolOptions> = {}, transport = {}): Pool {
    const pool: Pool = new TaskPool<FaultTasks>(FAULT_TASKS, {
      size: 0,
      transport: jetStream({
        servers: nats.servers,
        lock: LOCK_MS,
        sweepEvery: 500,
        connectTimeout: 2_000,
        ...transport,
      }),
      ...more,
    });
    open.push(pool);
    return pool;
  }

  async function host(size = 2): Promise<TaskHost> {
    const engine = jetStreamEngine({ servers: nats.servers, lock: LOCK_MS });
    const served = serveTasks(FAULT_TASKS, { engine, size, grace: 200 });
    open.push(served);
    await served.ready();
    return served;
  }

  test('while NATS is away tasks are refused at once, with a reason; when it is back they run', async () => {
    await nats.start();
    await host();
    const pool = caller();
    expect(await pool.run('double', 1)).toBe(2);
    await nats.stop();
    await until('the pool to know', () => !remote(pool).connected);
    await expect(pool.run('double', 2)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_ENGINE_AWAY' });
    await nats.start();
    await until('the pool to know', () => remote(pool).connected);
    expect(await pool.run('double', 3)).toBe(6);
  });

  test('what it has acknowledged is answered after it was killed and started again with its file', async () => {
    await nats.start();
    const pool = caller({ whenFull: 'wait' });
    const all = Promise.all(Array.from({ length: 50 }, (_, i) => pool.run('double', i, { retries: 3 })));
    await until('NATS to have all', () => pool.stats().queued === 0 && pool.stats().running === 50);
    await nats.stop();
    await nats.start();
    await host();
    expect(await all).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i));
  });

  test('what it has forgotten is run again with retries, and else said to be lost', async () => {
    await nats.start();
    const pool = caller();
    const lost = pool.run('double', 1);
    const again = pool.run('attempt', undefined, { retries: 1 });
    const refused = expect(lost).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_LOST' });
    await until('NATS to have both', () => pool.stats().running === 2);
    await nats.stop();
    nats.forget();
    await nats.start();
    await host();
    expect(await again).toBe(2);
    await refused;
  });

  test('a NATS that stands still for twice the lock costs attempts and no answer', async () => {
    await nats.start();
    await host();
    const pool = caller();
    const all = Promise.all(
      Array.from({ length: 20 }, (_, i) => pool.run('slow', { ms: 100, file: file(`${i}`) }, { retries: 5 })),
    );
    await until('some to have begun', () => existsSync(file('3')));
    nats.signal('SIGSTOP');
    const woken = performance.now() + 2 * LOCK_MS;
    await until('the time to pass', () => performance.now() > woken);
    nats.signal('SIGCONT');
    for (const [i, attempt] of (await all).entries())
      expect(readFileSync(file(`${i}`), 'utf8')).toContain(String(attempt));
    expect(pool.stats()).toMatchObject({ completed: 20, failed: 0 });
  });

  test('a task that blocks its process for three times the lock is run once, and answered', async () => {
    await nats.start();
    await host();
    await host();
    const pool = caller();
    expect(await pool.run('block', { ms: 3 * LOCK_MS, file: file('runs') }, { retries: 3 })).toBe(1);
    expect(readFileSync(file('runs'), 'utf8')).toBe('1');
  });

  test('a host that is closed in order finishes what it runs, and loses no task', async () => {
    await nats.start();
    const first = await host(1);
    const pool = caller();
    const gate = { begun: file('begun'), open: file('open') };
    const held = pool.run('gate', gate);
    await until('the task to begin', () => existsSync(gate.begun));
    const closing = first.close();
    const next = Promise.all(Array.from({ length: 5 }, (_, i) => pool.run('double', i)));
    writeFileSync(gate.open, '');
    expect(await held).toBe(1);
    await closing;
    await host();
    expect(await next).toEqual([0, 2, 4, 6, 8]);
  });

  test('a server without JetStream, or that is too old, is refused by what it lacks', async () => {
    await nats.start({ js: false });
    await expect(caller().ready()).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_ENGINE_SETTING',
      message: expect.stringContaining('-js'),
    });
    const old = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(`INFO ${JSON.stringify({ version: '2.2.0', max_payload: 1_048_576, proto: 1 })}\r\n`);
      socket.on('data', (data) => {
        if (String(data).includes('PING')) socket.write('PONG\r\n');
      });
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const { port } = old.address() as { readonly port: number };
    try {
      await expect(caller({}, { servers: `nats://127.0.0.1:${port}` }).ready()).rejects.toMatchObject({
        code: 'ERR_MILLRACE_TASK_ENGINE_VERSION',
        message: expect.stringContaining('2.2.0'),
      });
    } finally {
      old.close();
    }
  });

  test('what others publish on its subjects is dropped: no task comes again for ever, and no connection breaks', async () => {
    await nats.start();
    const served = await host();
    const pool = caller();
    expect(await pool.run('double', 1)).toBe(2);
    const other = await connect({ servers: nats.servers });
    try {
      const rubbish = [
        '',
        'not MessagePack',
        '\u0001',
        Uint8Array.of(0xc1),
        Uint8Array.of(0x81, 0xa2, 0x69, 0x64, 1),
      ];
      for (const one of rubbish) {
        for (const subject of ['tasks.tasks', 'tasks.reports', 'tasks.hosts', 'tasks.host.nobody'])
          other.publish(subject, one);
      }
      await other.flush();
      expect(await Promise.all([2, 3, 4].map((n) => pool.run('double', n)))).toEqual([4, 6, 8]);
      const { streams, consumers } = await jetstreamManager(other);
      await until('nothing to be left', async () => (await streams.info('tasks')).state.messages === 0);
      for await (const { num_redelivered } of consumers.list('tasks')) expect(num_redelivered).toBe(0);
    } finally {
      await other.close();
    }
    expect(served.stats().slots).toBe(2);
    expect(remote(pool).connected).toBe(true);
  });

  test('a server that is silent, as a Redis is, is named with its address', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const servers = `nats://name:secret@127.0.0.1:${port}`;
    const pool = caller({}, { servers, sweepEvery: 2_000, connectTimeout: 6_000 });
    await expect(pool.run('double', 1)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_ENGINE_AWAY',
      message: expect.stringContaining(`No NATS has answered at nats://…@127.0.0.1:${port} within 5000 ms`),
    });
    server.close();
  });

  test('a priority is refused, since there are none', async () => {
    await nats.start();
    const refused = caller().run('double', 1, { priority: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_OPTION' });
  });
});
