/** What the server counts with labels, on the page of its admin interface. */
import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { AdminServer } from './admin-client.js';

const page = async (server: AdminServer): Promise<string> => (await server.get('/metrics')).text;

/** The value of a series on the page; undefined: it is not there. */
async function value(server: AdminServer, series: string): Promise<number | undefined> {
  const line = (await page(server)).split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

async function counts(server: AdminServer, series: string, expected: number): Promise<void> {
  await until(`${series} to be ${expected}`, async () => (await value(server, series)) === expected);
}

test('tasks are counted by their names, with how long they waited and ran, and what they failed of', async () => {
  await using server = await AdminServer.started({}, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  for (const line of ['observe', 'observe', 'fail']) await client.ask(line);
  await counts(server, 'millrace_task_outcomes_total{task="observe",outcome="completed"}', 2);
  await counts(server, 'millrace_task_outcomes_total{task="fail",outcome="failed"}', 1);
  await counts(server, 'millrace_task_failures_total{task="fail",code="E_FAILED"}', 1);
  for (const kind of ['wait', 'run']) {
    await counts(server, `millrace_task_${kind}_seconds_count{task="observe"}`, 2);
    expect(await value(server, `millrace_task_${kind}_seconds_sum{task="observe"}`)).toBeLessThan(5);
  }
  await counts(server, 'millrace_task_pending{task="observe"}', 0);
  await client.ask('wait');
  await until(
    'a task that runs',
    async () =>
      (await page(server)).match(/^millrace_task_running_since_seconds\{worker="0",task="wait"\} [1-9]/m) !==
      null,
  );
  await counts(server, 'millrace_task_pending{task="wait"}', 1);
  const { pid } = await server.process('task-worker:0');
  process.kill(pid, 'SIGKILL');
  await counts(server, 'millrace_task_failures_total{task="wait",code="ERR_MILLRACE_TASK_WORKER_DIED"}', 1);
  // What it ran is not told of the next one.
  await counts(server, 'millrace_task_pending{task="wait"}', 0);
  await until(
    'the part of the dead one to be gone',
    async () =>
      !(await page(server)).match(/^millrace_task_running_since_seconds\{worker="0",task="wait"\} [1-9]/m),
  );
  client.close();
});

test('restarts are counted by their causes, and reloads by what came of them', async () => {
  await using server = await AdminServer.started({ hangTimeout: 3_000 }, {}, 'counting');
  const { pid } = await server.process('worker:0');
  process.kill(pid, 'SIGKILL');
  await counts(server, 'millrace_restarts_total{role="worker",cause="signal"}', 1);
  await server.until('worker:0', 'ready');
  await server.post('/v1/reload');
  await counts(server, 'millrace_reloads_total{outcome="reloaded"}', 1);
  await counts(server, 'millrace_restarts_total{role="worker",cause="order"}', 2);
  await counts(server, 'millrace_restarts_total{role="task_worker",cause="order"}', 1);
  const client = await TestClient.connect(await server.port());
  client.send('hang\n');
  await counts(server, 'millrace_restarts_total{role="worker",cause="hang"}', 1);
  client.close();
  const manager = await server.process('manager');
  process.kill(manager.pid, 'SIGKILL');
  await counts(server, 'millrace_restarts_total{role="manager",cause="signal"}', 1);
});

test('errors in the log are counted by their codes', async () => {
  await using server = await AdminServer.started({}, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  client.send('throw\n');
  await counts(server, 'millrace_errors_total{code="E_HANDLER"}', 1);
  client.close();
});

test('a loop that is late now and then is told by its delay at the 99th percentile, and by a histogram', async () => {
  await using server = await AdminServer.started({ workerNum: 1 }, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  for (let round = 0; round < 3; round++) await client.ask('late');
  await until('the delay', async () => {
    const { loopDelayP99Ms } = await server.process('worker:0');
    if (loopDelayP99Ms !== null && loopDelayP99Ms > 100) return true;
    await client.ask('late');
    return false;
  });
  expect(
    await value(server, 'millrace_event_loop_delay_seconds_count{role="worker",id="0"}'),
  ).toBeGreaterThan(0);
  expect(
    await value(server, 'millrace_process_event_loop_delay_seconds{role="worker",id="0"}'),
  ).toBeGreaterThan(0.1);
  expect((await server.process('manager')).loopDelayP99Ms).toBeLessThan(1_000);
  client.close();
});
