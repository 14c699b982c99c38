import { engineContract, poolContract } from '@millrace/task-broker/contract';
import { bullmq, bullmqEngine } from '@millrace/task-bullmq';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { TestRedis, whyNoRedis } from './redis.js';

const LOCK_MS = 1_500;
const why = whyNoRedis();
if (why !== undefined) console.warn(`skipped: ${why}`);

// Each check has a queue and processes of its own, and most of its time it waits.
describe.skipIf(why)('over BullMQ', { concurrent: true }, () => {
  const redis = new TestRedis();
  let queues = 0;
  const fresh = () => ({ connection: redis.connection, queue: `contract-${queues++}`, lock: LOCK_MS });

  beforeAll(() => redis.start());
  afterAll(() => redis.remove());

  describe('the engine', () => {
    for (const { name, run } of engineContract)
      test(name, () => run({ engine: bullmqEngine(fresh()), lock: LOCK_MS }));
  });

  describe('a pool', () => {
    for (const { name, run } of poolContract)
      test(name, () => run({ transport: (options) => bullmq({ ...fresh(), ...options }) }));
  });
});
