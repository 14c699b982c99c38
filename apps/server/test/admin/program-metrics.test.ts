/** The metrics of the program that a server runs, on the page of its admin interface. */
import { canBeOthers, isRunning, OTHER_USER, TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AdminServer } from './admin-client.js';

describe.each([
  ['of the same user', {}],
  ['of another user', { user: OTHER_USER, group: OTHER_USER }],
])('of a program whose processes are %s', (_, rights) => {
  test.runIf(canBeOthers || !('user' in rights))(
    'are those of all its processes, beside the server’s, and keep what a killed one has counted',
    async () => {
      await using server = await AdminServer.started({ ...rights }, {}, 'counting');
      const page = async () => (await server.get('/metrics')).text;
      const clients = await Promise.all([1, 2].map(async () => TestClient.connect(await server.port())));
      for (const client of clients) await client.ask('count');
      await clients[0]?.ask('observe');
      for (const worker of [0, 1]) expect(await page()).toContain(`lines_total{worker="${worker}"} 1\n`);
      expect(await page()).toContain('task_values_bucket{le="10"} 1\n');
      expect(await page()).toMatch(/^millrace_connections 2$/m);
      const { body: killed } = await server.post('/v1/processes/worker:0/kill');
      await until('another worker', async () => {
        const { state, pid } = await server.process('worker:0');
        return state === 'ready' && pid !== killed.pid;
      });
      for (const client of clients) client.close();
      const again = await TestClient.connect(await server.port());
      const pid = Number(await again.ask('count'));
      const worker = (await server.process('worker:0')).pid === pid ? 0 : 1;
      expect(await page()).toContain(`lines_total{worker="${worker}"} 2\n`);
      expect(await page()).toContain(`lines_total{worker="${1 - worker}"} 1\n`);
      again.close();
      expect(server.program.output).not.toContain('ERR_MILLRACE_METRICS');
    },
  );
});

test('a name of the server’s is the server’s: what the program has under it is left out, which is told once', async () => {
  await using server = await AdminServer.started({}, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  await client.ask('clash');
  for (let page = 0; page < 3; page++) {
    const { text } = await server.get('/metrics');
    expect(text).toMatch(/^millrace_connections 1$/m);
    expect(text).not.toContain('millrace_connections_bucket');
  }
  client.close();
  const told = /millrace: admin: metrics of the program: .*millrace_connections/g;
  await until('what is told', () => told.test(server.program.output));
  expect(server.program.output.match(told)).toHaveLength(1);
});

test('a worker that writes over the memory of the program’s metrics costs the page those, and nobody else anything', async () => {
  await using server = await AdminServer.started({ workerNum: 1 }, {}, 'counting');
  const client = await TestClient.connect(await server.port());
  await client.ask('count');
  await client.ask('scribble');
  const serves = async () => {
    const { status, text } = await server.get('/metrics');
    expect([status, /^millrace_connections 1$/m.test(text)]).toEqual([200, true]);
  };
  await serves();
  await client.ask('count');
  const { pid } = await server.process('admin');
  process.kill(pid, 'SIGKILL');
  await until('its end', () => !isRunning(pid));
  // The next one finds no registry there any more.
  await serves();
  await client.ask('count');
  expect((await server.process('worker:0')).restarts).toBe(0);
  client.close();
});
