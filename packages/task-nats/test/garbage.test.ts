import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveTasks } from '@millrace/task-broker';
import { FAULT_TASKS, type FaultTasks } from '@millrace/task-broker/contract';
import { jetStream, jetStreamEngine } from '@millrace/task-nats';
import { TaskPool } from '@millrace/task-pool';
import { until } from '@millrace/testkit';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { TestNats, whyNoNats } from './nats.js';

const LOCK_MS = 1_000;

test.skipIf(whyNoNats())(
  'a task whose word is written over with something else is run again, and answered',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-garbage-'));
    const server = new TestNats();
    await server.start();
    const options = { servers: server.servers, lock: LOCK_MS };
    const host = serveTasks(FAULT_TASKS, { engine: jetStreamEngine(options), size: 2 });
    const pool = new TaskPool<FaultTasks>(FAULT_TASKS, { size: 0, transport: jetStream(options) });
    const nats = await connect({ servers: server.servers });
    try {
      await host.ready();
      await pool.ready();
      const [begun, open] = [join(directory, 'begun'), join(directory, 'open')];
      const answer = pool.run('gate', { begun, open }, { retries: 3 });
      await until('the first attempt', () => existsSync(begun));
      const manager = await jetstreamManager(nats);
      const { message } = await lastWord(manager);
      await jetstream(nats).publish(message.subject, Buffer.from('c1c1', 'hex'));
      await until('another attempt', () => readFileSync(begun, 'utf8').length > 1);
      writeFileSync(open, '');
      expect(await answer).toEqual(expect.any(Number));
      expect(host.stats().lost).toBeGreaterThan(0);
    } finally {
      await pool.destroy();
      await host.close({ timeout: 0 });
      await nats.close();
      await server.remove();
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

async function lastWord(manager: Awaited<ReturnType<typeof jetstreamManager>>) {
  const { state } = await manager.streams.info('tasks-answers');
  const message = await manager.streams.getMessage('tasks-answers', { seq: state.last_seq });
  if (message === null) throw new Error('There is no word.');
  return { message };
}
