import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { AdminServer } from './admin-client.js';

const start = () => AdminServer.started({ standby: true, workerNum: 1, taskWorkerNum: 0 });

async function standbyOf(server: AdminServer, ...before: readonly number[]) {
  await until('a standby', async () => {
    const now = await server.process('standby:0');
    return now !== undefined && !before.includes(now.pid);
  });
  return server.process('standby:0');
}

test('a process that waits for the end of a worker is shown with what it takes, and does not make the server degraded', async () => {
  await using server = await start();
  const standby = await standbyOf(server);
  expect(standby).toMatchObject({ role: 'standby', id: 0, state: 'standby', connections: null });
  expect(standby.memory).toBeGreaterThan(10 << 20);
  expect(standby.cpuMs).toBeGreaterThan(0);
  const { body: status } = await server.get('/v1/status');
  expect(status).toMatchObject({ state: 'ready', processes: { total: 5, ready: 5 } });
  const { text } = await server.get('/metrics');
  expect(text).toMatch(/^millrace_process_resident_memory_bytes\{role="standby",id="0"\} \d+$/m);
  // An alert that goes by it would ring for nothing.
  expect(text).not.toMatch(/^millrace_process_ready\{role="standby"/m);
});

test('it is shown as the worker once it has its place, and the next one as the standby', async () => {
  await using server = await start();
  const { pid } = await standbyOf(server);
  process.kill((await server.process('worker:0')).pid, 'SIGKILL');
  await until('it to be the worker', async () => (await server.process('worker:0')).pid === pid);
  expect((await standbyOf(server, pid)).pid).not.toBe(pid);
});

test('one that ended is not shown, and the next one is', async () => {
  await using server = await start();
  const { pid } = await standbyOf(server);
  process.kill(pid, 'SIGKILL');
  await standbyOf(server, pid);
  expect((await server.process('worker:0')).state).toBe('ready');
});

test.each(['kill', 'profile'])(
  'a %s of it is refused, with words that say what to do instead',
  async (what) => {
    await using server = await start();
    await standbyOf(server);
    const { status, body } = await server.post(`/v1/processes/standby:0/${what}`, {});
    expect([status, body.error.code]).toEqual([409, 'STANDBY']);
    expect(body.error.message).toMatch(/standby:0/);
  },
);
