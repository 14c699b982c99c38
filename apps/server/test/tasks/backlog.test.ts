import { processInfo, TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { pidOf, startServer } from '../support.js';

const FULL = process.env.MILLRACE_STRESS === '1';
const TASKS = FULL ? 200_000 : 20_000;
const LIMIT = 5_000;

test(`${TASKS} tasks for a task worker that sleeps: beyond the limit they are refused, all others are done, and no client waits`, async () => {
  await using server = await startServer({ workerNum: 1, taskWorkerNum: 1, taskMaxQueue: LIMIT });
  const taskWorker = pidOf(server, 'millrace: task worker 0') as number;
  const [asker, other] = [await TestClient.connect(server.lines), await TestClient.connect(server.lines)];
  process.kill(taskWorker, 'SIGSTOP');
  await until('the task worker to stop', () => processInfo(taskWorker)?.state === 'T');
  asker.send(`tasks ${TASKS}\n`);
  // The same worker answers others all the while.
  let answers = 0;
  while (!asker.received.includes('\n')) {
    expect(await other.ask(`hello ${answers}`)).toBe(`hello ${answers}`);
    answers++;
  }
  expect(answers).toBeGreaterThan(3);
  const refused = JSON.parse(await asker.line()) as Record<string, number>;
  expect(Object.keys(refused)).toEqual(['ERR_MILLRACE_TASK_QUEUE_FULL']);
  const accepted = TASKS - (refused.ERR_MILLRACE_TASK_QUEUE_FULL as number);
  expect(accepted).toBeGreaterThanOrEqual(LIMIT);
  // Beside the queue there is what is on its way to the task worker.
  expect(accepted).toBeLessThan(2 * LIMIT);
  process.kill(taskWorker, 'SIGCONT');
  expect(Number(await asker.line())).toBe(accepted);
  expect(await asker.ask('count a b c')).toBe('3');
  console.log(`${TASKS} tasks: ${accepted} accepted; ${answers} answers to others meanwhile`);
  asker.close();
  other.close();
});
