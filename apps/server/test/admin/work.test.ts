/** Tasks, queues and tables as the admin interface tells of them. */
import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { TestEngine, whyNot } from '../engines.js';
import { isBase } from '../support.js';
import { AdminServer } from './admin-client.js';

test('tasks are told by name, and of each task worker what it runs and since when', async () => {
  await using server = await AdminServer.started({}, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  for (const line of ['observe', 'observe', 'fail']) await client.ask(line);
  const before = Date.now();
  await client.ask('wait');
  await client.ask('wait');
  const running = async () => {
    const { body } = await server.get('/v1/tasks');
    return body.workers[0].task === 'wait' && body.tasks.at(-1).waiting === 1 && body;
  };
  await until('a task that runs', async () => (await running()) !== false);
  const { tasks, workers } = await running();
  expect(tasks).toMatchObject([
    { name: 'fail', waiting: 0, running: 0, completed: 0, failed: 1 },
    { name: 'observe', waiting: 0, running: 0, completed: 2, failed: 0 },
    { name: 'wait', waiting: 1, running: 1, completed: 0, failed: 0, runP99Ms: null },
  ]);
  expect(tasks[1].runP50Ms).toBeGreaterThan(0);
  expect(tasks[1].waitP99Ms).toBeGreaterThanOrEqual(tasks[1].waitP50Ms);
  expect(workers).toMatchObject([{ process: 'task-worker:0', task: 'wait' }]);
  expect(workers[0].since).toBeGreaterThanOrEqual(before - 1_000);
  expect(workers[0].since).toBeLessThanOrEqual(Date.now() + 1_000);
  const task = await server.process('task-worker:0');
  for (let left = 2; left > 0; left--) {
    await until('the next one', async () => (await server.get('/v1/tasks')).body.workers[0].task === 'wait');
    process.kill(task.pid, 'SIGCONT');
    await until('its end', async () => {
      const { body } = await server.get('/v1/tasks');
      return body.tasks.at(-1).completed === 3 - left;
    });
  }
  const { body: done } = await server.get('/v1/tasks');
  expect(done.workers).toEqual([{ process: 'task-worker:0', task: null, since: null }]);
  client.close();
});

test('queues are told with what waits in them', async () => {
  await using server = await AdminServer.started({ workerNum: 1 }, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  await client.ask('wait');
  await client.ask('wait');
  const { pid } = await server.process('worker:0');
  const named = async (name: string) => {
    const { body } = await server.get('/v1/queues');
    return body.queues.find((queue: { name: string }) => queue.name === name);
  };
  await until('a task that waits', async () => (await named('tasks'))?.messages === 1);
  expect(await named('tasks')).toMatchObject({ kind: 'backlog', capacity: 10_000 });
  expect((await named('clients')).capacityBytes).toBeGreaterThan(1 << 20);
  process.kill(pid, 'SIGSTOP');
  client.send('count\n');
  if (!isBase) {
    await until('a message that waits', async () => (await named('reactor:0 -> worker:0'))?.messages === 1);
    const way = await named('reactor:0 -> worker:0');
    if (way.kind === 'ring') {
      expect(way.bytes).toBeGreaterThan('count'.length);
      expect(way.bytes).toBeLessThan(way.capacityBytes);
      const { text } = await server.get('/metrics');
      expect(text).toContain(`millrace_queue_bytes{queue="reactor:0 -> worker:0"} ${way.bytes}\n`);
    }
  }
  process.kill(pid, 'SIGCONT');
  await client.line();
  if (!isBase)
    await until('nothing to wait', async () => (await named('reactor:0 -> worker:0')).messages === 0);
  client.close();
});

test('tables are told with how full they are, and how often what is looked for is there', async () => {
  await using server = await AdminServer.started({}, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  for (const line of ['visit ada', 'visit bob', 'look ada', 'look ada', 'look ada', 'look eve'])
    await client.ask(line);
  const table = async () => (await server.get('/v1/tables/visits')).body;
  await until('what processes tell each second', async () => (await table()).misses === 1);
  expect(await table()).toMatchObject({ name: 'visits', rows: 2, capacity: 16, hits: 3, hitRate: 0.75 });
  expect((await server.get('/v1/tables')).body.tables).toMatchObject([{ name: 'visits', rows: 2 }]);
  const { text } = await server.get('/metrics');
  expect(text).toContain('millrace_table_rows{table="visits"} 2\n');
  expect(text).toContain('millrace_table_reads_total{table="visits",outcome="hit"} 3\n');
  const none = await server.get('/v1/tables/none');
  expect([none.status, none.body.error.message]).toEqual([
    404,
    "There is no table 'none'; there are: visits.",
  ]);
  client.close();
});

const noRedis = whyNot('redis');
if (noRedis !== undefined) console.warn(noRedis);

test.skipIf(noRedis !== undefined)(
  'of an engine of tasks is told what waits and runs there, by hosts, whether it is there, and what its broker does',
  async () => {
    const engine = await TestEngine.plan('redis');
    try {
      await engine.start();
      const { kind, place } = engine;
      const options = { engine: { kind, place, queue: 'told' } } as Partial<ServerOptions>;
      await using server = await AdminServer.started(options, {}, 'remote-tasks');
      const { body: before } = await server.get('/v1/status');
      const broker = await server.until('task-broker', 'ready');
      expect(broker).toMatchObject({ role: 'service', restarts: 0 });
      const { body: list } = await server.get('/v1/processes');
      expect(before.processes.total).toBe(list.processes.length);

      const client = await TestClient.connect(await server.port());
      const question = { form: 'task', name: 'twice', value: 'a', to: 0 };
      expect(JSON.parse(await client.ask(JSON.stringify(question)))).toMatchObject({
        done: { result: 'aa' },
      });
      const told = (what: string, expected: object) =>
        until(what, async () => {
          const { body } = await server.get('/v1/tasks');
          expect(body.engine).toMatchObject(expected);
          return true;
        });
      await told('the engine to be told of', {
        name: 'BullMQ',
        connected: true,
        waiting: 0,
        running: 0,
        hosts: [{ running: 0 }],
        disconnects: 0,
        here: { slots: 2, running: 0, settled: 1, lost: 0 },
      });
      await engine.kill();
      await told('the engine to be away', { connected: false });

      process.kill(broker.pid, 'SIGKILL');
      await until('the next broker', async () => {
        const { restarts, pid } = await server.process('task-broker');
        return restarts === 1 && pid !== broker.pid && pid > 0;
      });
      expect((await server.get('/v1/status')).body.processes).toMatchObject({ restarts: 1, failures: 1 });
      client.close();
    } finally {
      await engine.remove();
    }
  },
);
