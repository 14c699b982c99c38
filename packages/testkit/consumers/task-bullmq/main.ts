import assert from 'node:assert/strict';
import { bullmq } from '@millrace/task-bullmq';
import { TaskPool } from '@millrace/task-pool';

// No Redis is there: the pool says so.
const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), {
  size: 0,
  transport: bullmq({ connection: '/nowhere/redis.sock', connectTimeout: 100, sweepEvery: 100 }),
});
const double: Promise<number> = pool.run('double', 2);
await assert.rejects(double, { code: 'ERR_MILLRACE_TASK_ENGINE_AWAY' });
await pool.close();
