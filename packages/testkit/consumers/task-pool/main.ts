import assert from 'node:assert/strict';
import { TaskPool } from '@millrace/task-pool';

const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), { size: 2 });
try {
  const count: number = await pool.run('words', 'one two three', { timeout: 20_000 });
  assert.equal(count, 3);
  assert.equal((await pool.run('reversed', Buffer.alloc(100_000, 1))).length, 100_000);
} finally {
  await pool.close();
}
