import assert from 'node:assert/strict';
import { jetStream } from '@millrace/task-nats';
import { TaskPool } from '@millrace/task-pool';

// No NATS is there: the pool says so.
const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), {
  size: 0,
  transport: jetStream({ servers: 'nats://127.0.0.1:1', connectTimeout: 100, sweepEvery: 100 }),
});
const double: Promise<number> = pool.run('double', 2);
await assert.rejects(double, { code: 'ERR_MILLRACE_TASK_ENGINE_AWAY' });
await pool.close();
