import { TestClient } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { startServer } from '../support.js';

test('a line has each key once: level by name, time, role, id and pid, whatever else is told under those names', async () => {
  await using server = await startServer({}, {}, 'log-lines');
  const client = await TestClient.connect(server.lines);
  await client.ask('say');
  await server.program.printed(/"msg":"of a child"/);
  const lines = server.program.output.split('\n').filter((line) => line.startsWith('{'));
  for (const line of lines) {
    const keys = [...line.matchAll(/"(level|time|role|id|pid|msg)":/g)].map(([, key]) => key);
    expect(keys, line).toEqual([...new Set(keys)]);
  }
  const said = (msg: string) => JSON.parse(lines.find((line) => line.includes(`"msg":"${msg}"`)) as string);
  const origin = { level: 'warn', role: 'worker', id: 0, pid: expect.any(Number) };
  expect(said('of a worker')).toMatchObject({
    ...origin,
    id_: 'order-1',
    pid_: 7,
    level_: 'high',
    more: true,
  });
  expect(said('of a child')).toMatchObject({ ...origin, id_: 'child' });
  expect(said('of the manager')).toMatchObject({ level: 'info', role: 'manager' });
  expect(said('of the manager').id).toBeUndefined();
  client.close();
});

test('lines are readable in a terminal or where that is wanted, in colours in a terminal alone, and not with NO_COLOR', async () => {
  const outputOf = async (env: NodeJS.ProcessEnv, options = {}) => {
    await using server = await startServer(options, env, 'log-lines');
    const client = await TestClient.connect(server.lines);
    await client.ask('say');
    await server.program.printed(/of a child/);
    client.close();
    return server.program.output.split('\n').find((line) => line.includes('of a worker'));
  };
  expect(await outputOf({})).toMatch(/^\{"level":"warn"/);
  const readable = /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: worker 0: of a worker \{/;
  expect(await outputOf({ MILLRACE_LOG_FORMAT: 'pretty' })).toMatch(readable);
  expect(await outputOf({ MILLRACE_LOG_FORMAT: 'json' }, { logFormat: 'pretty' })).toMatch(readable);
});
