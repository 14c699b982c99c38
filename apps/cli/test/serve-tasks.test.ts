import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bullmq } from '@millrace/task-bullmq';
import { TaskPool } from '@millrace/task-pool';
import { Program, until } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { programOf } from './support.js';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TASKS = programOf('doubling.mjs');
const NO_TASKS = programOf('no-tasks.mjs');
const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const hasRedis = process.env.CI !== undefined || spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('Skipped: redis-server is not installed (Debian: redis-server).');

test.skipIf(!hasRedis)(
  'millrace tasks FILE --queue runs the tasks of callers, and ends in order',
  async () => {
    const socket = join(directory, 'redis.sock');
    const own = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
    const redis = spawn('redis-server', [...own, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
    try {
      await until('Redis to listen', () => existsSync(socket));
      const args = [TASKS, '--queue', `unix:${socket}`, '--name', 'numbers', '--size', '1'];
      await using host = new Program(MILLRACE, { args: ['tasks', ...args] });
      await host.printed(/^millrace: ready: \d+ tasks at a time/m);
      const pool = new TaskPool<{ tasks: { double: (number: number) => number } }>(TASKS, {
        size: 0,
        transport: bullmq({ connection: socket, queue: 'numbers' }),
      });
      try {
        expect(await pool.run('double', 21)).toBe(42);
      } finally {
        await pool.close();
      }
      host.kill('SIGTERM');
      expect(await host.ended()).toMatchObject({ code: 0 });
      expect(host.output).toContain('millrace: ending: running tasks may end');
      expect(host.output).not.toContain('task process');
    } finally {
      redis.kill('SIGKILL');
    }
  },
);

test('millrace tasks --queue ends with a module that has no tasks, and says what one needs', async () => {
  const { code, stderr } = await millrace(['tasks', NO_TASKS, '--queue', 'redis://127.0.0.1:1'], {});
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /ERR_MILLRACE_NO_TASKS: \S+no-tasks\.mjs has no tasks: it needs 'export const tasks = defineTasks/,
  );
});

test('millrace tasks --queue tells what it needs', async () => {
  const withQueue = (...args: string[]) => millrace(['tasks', '--queue', 'redis://127.0.0.1:1', ...args], {});
  expect(await withQueue()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('millrace tasks ./tasks.js'),
  });
  expect(await withQueue('nowhere.js')).toMatchObject({
    code: 2,
    stderr: "There is no file 'nowhere.js'.\n",
  });
  const wrong = await millrace(['tasks', TASKS, '--queue', 'amqp://127.0.0.1'], {});
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'ERR_MILLRACE_BROKER_OPTION: A queue is an address that begins with redis:// or',
    ),
  });
});
