import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TaskPool } from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type * as module from '../fixtures/notes-its-load.js';
import { scratch } from '../support.js';

test("a spare has loaded the tasks' module when it takes a dead worker's place", async () => {
  const file = join(scratch(), 'loaded');
  process.env.MILLRACE_TEST_LOADED = file;
  const loaded = () =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map(Number) : [];
  const url = new URL('../../dist-test/fixtures/notes-its-load.js', import.meta.url);
  const pool = new TaskPool<typeof module>(url, { size: 2 });
  try {
    await pool.ready();
    const workers = pool.stats().workers.map(({ pid }) => pid as number);
    const spare = await until('the spare to have loaded it', () =>
      loaded().find((pid) => !workers.includes(pid)),
    );
    process.kill(workers[0] as number, 'SIGKILL');
    await until('another worker', () => pool.stats().workers[0]?.pid !== workers[0]);
    expect(await pool.run('pid', undefined, { worker: 0 })).toBe(spare);
  } finally {
    delete process.env.MILLRACE_TEST_LOADED;
    await pool.close();
  }
});
