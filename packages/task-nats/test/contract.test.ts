import { engineContract, poolContract } from '@millrace/task-broker/contract';
import { jetStream, jetStreamEngine } from '@millrace/task-nats';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { TestNats, whyNoNats } from './nats.js';

const LOCK_MS = 1_500;
const why = whyNoNats();
if (why !== undefined) console.warn(`skipped: ${why}`);

// Each check has a queue and processes of its own, and most of its time it waits.
describe.skipIf(why)('over JetStream', { concurrent: true }, () => {
  const nats = new TestNats();
  let streams = 0;
  const fresh = () => ({ servers: nats.servers, stream: `contract-${streams++}`, lock: LOCK_MS });

  beforeAll(() => nats.start());
  afterAll(() => nats.remove());

  describe('the engine', () => {
    for (const { name, run, needs } of engineContract)
      test.skipIf(needs !== undefined)(name, () => run({ engine: jetStreamEngine(fresh()), lock: LOCK_MS }));
  });

  describe('a pool', () => {
    for (const { name, run, needs } of poolContract)
      test.skipIf(needs !== undefined)(name, () =>
        run({ transport: (options) => jetStream({ ...fresh(), ...options }) }),
      );
  });
});
