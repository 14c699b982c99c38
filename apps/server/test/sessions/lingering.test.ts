/** A process that lives on without its place: what it does there is not to meet what its successor does. */
import { TestClient } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { clientOf, startServer } from '../support.js';

test('what a task worker without its place sends is refused, if it has never sent anything before, too', async () => {
  const options = { taskMaxRequest: 1, maxWaitTime: 60_000 };
  await using server = await startServer(options, {}, 'lingering');
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('linger')).toBe('done');
  const [, sent] = await server.program.printed(/^event late send (\w+)$/m);
  expect(sent).toBe('undefined');
  // Its successor has the ways alone; what two processes send to one client has no order.
  const lines = [await client.ask('greet'), await client.line()].sort();
  expect(lines).toEqual(['done', expect.stringMatching(/^greetings of \d+$/)]);
  client.close();
});

test('a task that a worker without its place asks for is refused, and costs its successor none', async () => {
  await using server = await startServer({ maxWaitTime: 60_000 }, {}, 'lingering');
  const { program, lines } = server;
  const first = await clientOf(lines, 0);
  const [pid] = (await first.ask('pid')).split(' ').map(Number) as [number];
  expect(await first.ask('ask')).toBe('asked');
  await first.line();
  expect(await first.ask('hold')).toBe('held');
  process.kill(pid, 'SIGTERM');
  await program.printed(new RegExp(`^event workerExit 0 pid ${pid}$`, 'm'));
  const other = await clientOf(lines, 1);
  other.send('gate\n');
  const [, taskWorker] = await program.printed(/^event gate (\d+)$/m);
  const next = await clientOf(lines, 0);
  expect(await next.ask('pid')).not.toBe(`${pid} 0`);
  // It waits in the very slot that the one before had.
  expect(await next.ask('ask')).toBe('asked');
  process.kill(pid, 'SIGCONT');
  const [, code] = await program.printed(/^event late task (\w+)$/m);
  process.kill(Number(taskWorker), 'SIGCONT');
  expect(await next.line()).toBe(taskWorker);
  expect(await other.line()).toBe('done');
  expect(code).toBe('ERR_MILLRACE_TASK_CLIENT_CLOSED');
  for (const client of [first, other, next]) client.close();
});
