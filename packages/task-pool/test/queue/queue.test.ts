import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import { TaskPool } from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { gate, MODULE, over, scratch, startPool } from '../support.js';

describe.each(['posix-queue', 'system-v-queue'] as const)('a pool over a %s', (transport) => {
  test('G34 runs what another program has put into the queue, also before the start', async () => {
    const directory = scratch();
    const options = over(transport);
    const { name, key } = options.queue ?? {};
    // As an earlier pool would have left it.
    if (name !== undefined) PosixQueue.create(name, { messageSize: 8_192 }).close();
    else SystemVQueue.create(key as number).close();
    const script = new URL('../fixtures/post.py', import.meta.url).pathname;
    const address = name === undefined ? ['system-v', String(key)] : ['posix', name];
    execFileSync('python3', [script, ...address, directory]);
    process.env.MILLRACE_TEST_FILE = join(scratch(), 'noted');
    const pool = startPool({ size: 1, taskTmpdir: directory, ...options });
    await until('three tasks to run', () => {
      const file = process.env.MILLRACE_TEST_FILE as string;
      return existsSync(file) && readFileSync(file, 'utf8').split('\n').length === 4;
    });
    const noted = readFileSync(process.env.MILLRACE_TEST_FILE, 'utf8').trim().split('\n');
    delete process.env.MILLRACE_TEST_FILE;
    expect(noted.map((line) => JSON.parse(line))).toEqual([
      { what: 'object', text: '{"list":[1,2],"ok":true}' },
      { what: 'object', text: JSON.stringify({ large: 'y'.repeat(32_768) }) },
      { what: 'string', text: 'z'.repeat(512) },
    ]);
    expect(readdirSync(directory).flatMap((own) => readdirSync(join(directory, own)))).toEqual([]);
    // What was no task has been skipped, and the pool's own tasks run.
    expect(await pool.run('double', 2)).toBe(4);
    expect(pool.stats()).toMatchObject({ completed: 1, late: 0 });
  });

  test('is the only one there, until it is closed', async () => {
    const options = over(transport);
    const pool = startPool({ size: 1, ...options });
    expect(() => new TaskPool(MODULE, { size: 1, ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TASK_QUEUE' }),
    );
    expect(await pool.run('double', 2)).toBe(4);
    await pool.close();
    expect(await startPool({ size: 1, ...options }).run('double', 3)).toBe(6);
  });

  test('gives no task to a worker that a chosen one keeps busy, and one that it takes begins', async () => {
    const pool = startPool({ size: 2, ...over(transport) });
    await pool.ready();
    const slow = gate();
    const held = pool.run('gate', slow.files, { worker: 0 });
    const busy = await slow.begun();
    // Both would be taken, had the busy one not stopped to wait for them.
    for (let i = 0; i < 20; i++) expect(await pool.run('pid')).not.toBe(busy);
    writeFileSync(slow.files.open, '');
    expect(await held).toBe(busy);
  });

  test('needs to know which queue', () => {
    expect(() => new TaskPool(MODULE, { transport })).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_TASK_OPTION',
        message: expect.stringContaining('queue'),
      }),
    );
  });
});
