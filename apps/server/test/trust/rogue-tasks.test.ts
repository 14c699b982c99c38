import { isRunning, type TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, type RunningServer, startServer } from '../support.js';

const NONSENSE = ['short', 'kind', 'claim', 'negative', 'name'];
const KILLED = 'ERR_MILLRACE_TASK_WORKER_DIED ERR_MILLRACE_TASK_CORRUPT';

/** Clients of worker 0, of worker 1, and one more of it, whose task is begun in task worker 0 and goes on. */
async function clientsOf(port: number) {
  const victim = await clientOf(port, 0, 'who');
  const other = await clientOf(port, 1, 'who');
  return { victim, other };
}

const pidOf = async (client: TestClient, taskWorker: number) =>
  Number(await client.ask(`tasks pid ${taskWorker}`));

/** A client of worker 1 whose task is begun in task worker 0, and goes on. */
async function holder(port: number, kind = 'none', seed = 0): Promise<TestClient> {
  const client = await clientOf(port, 1, 'who');
  expect(await client.ask(`tasks hold ${kind} ${seed}`)).toBe('begun');
  return client;
}

describe('where tasks travel in rings', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ taskWorkerNum: 2 }, {}, 'rogue');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const kinds = ['memory', 'heads', 'magic', 'down', 'up', 'length'];
  const messages = NONSENSE.flatMap((kind) => [`answer-${kind}`, `task-${kind}`]);
  test.each([...kinds, ...messages].map((kind, seed) => [kind, seed + 1] as const))(
    'what a worker writes over the rings of a task worker (%s, %i) costs what that runs, whose asker hears why; all others go on',
    async (kind, seed) => {
      const { victim, other } = await clientsOf(server.lines);
      const [pid, spared] = [await pidOf(other, 0), await pidOf(other, 1)];
      const before = [await victim.ask('who'), await other.ask('who')];
      const held = await holder(server.lines);
      victim.send(`scribble-tasks ${kind} ${seed}\n`);
      expect(await held.line()).toBe(KILLED);
      await until('the end of the task worker', () => !isRunning(pid));
      for (const client of [victim, other]) {
        const now = await pidOf(client, 0);
        expect([isRunning(now), now === pid]).toEqual([true, false]);
        expect(await pidOf(client, 1)).toBe(spared);
      }
      expect([await victim.ask('who'), await other.ask('who')]).toEqual(before);
      expect(server.program.output).toMatch(/task worker 0, holds what makes no sense: /);
      for (const client of [victim, other, held]) client.close();
    },
  );

  test.each(['memory', 'heads', 'magic', 'up'].map((kind, seed) => [kind, seed + 1] as const))(
    'a task worker that writes over its rings (%s, %i) is killed and replaced, and who asked it hears why',
    async (kind, seed) => {
      const { victim, other } = await clientsOf(server.lines);
      const [pid, spared] = [await pidOf(other, 0), await pidOf(other, 1)];
      const held = await holder(server.lines, kind, seed);
      expect(await held.line()).toBe(KILLED);
      await until('the end of the rogue', () => !isRunning(pid));
      for (const client of [victim, other]) {
        expect(isRunning(await pidOf(client, 0))).toBe(true);
        expect(await pidOf(client, 1)).toBe(spared);
      }
      for (const client of [victim, other, held]) client.close();
    },
  );

  test.each([1, 2, 3])(
    'claims that a worker writes over (%i) cost what is under way, whose askers hear why, and no process',
    async (seed) => {
      const { victim, other } = await clientsOf(server.lines);
      const pids = [await pidOf(other, 0), await pidOf(other, 1)];
      const before = [await victim.ask('who'), await other.ask('who')];
      const held = await holder(server.lines);
      victim.send(`scribble-tasks board ${seed}\n`);
      expect(await held.line()).toBe('ERR_MILLRACE_TASK_CORRUPT undefined');
      for (const client of [victim, other])
        expect([await pidOf(client, 0), await pidOf(client, 1)]).toEqual(pids);
      expect([await victim.ask('who'), await other.ask('who')]).toEqual(before);
      expect(server.program.output).toMatch(/of task worker 0: The claim of task 'hold' .* was written over/);
      for (const client of [victim, other, held]) client.close();
    },
  );

  test('the word of a task worker’s doorbell, written over, leaves it asleep for no asker', async () => {
    const { victim, other } = await clientsOf(server.lines);
    const pid = await pidOf(other, 0);
    for (let round = 0; round < 5; round++) {
      victim.send('scribble-tasks bell 1\n');
      expect(await pidOf(victim, 0)).toBe(pid);
      expect(await pidOf(other, 0)).toBe(pid);
    }
    for (const client of [victim, other]) client.close();
  });
});

describe('where tasks travel in pipes', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ taskWorkerNum: 2, taskTransport: 'pipe' }, {}, 'rogue');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(['bytes', ...NONSENSE].map((kind, seed) => [kind, seed + 1] as const))(
    'a worker that sends a task worker nonsense (%s, %i) is killed and replaced, and nobody else',
    async (kind, seed) => {
      const { victim, other } = await clientsOf(server.lines);
      const pids = [await pidOf(other, 0), await pidOf(other, 1)];
      const [rogue] = (await victim.ask('who')).split(' ');
      victim.send(`scribble-tasks ${kind} ${seed}\n`);
      await until('the end of the rogue', () => !isRunning(Number(rogue)));
      const next = await clientOf(server.lines, 0, 'who');
      for (const client of [next, other])
        expect([await pidOf(client, 0), await pidOf(client, 1)]).toEqual(pids);
      for (const client of [victim, next, other]) client.close();
    },
  );

  test.each(['bytes', ...NONSENSE].map((kind, seed) => [kind, seed + 1] as const))(
    'a task worker that answers nonsense (%s, %i) is killed and replaced, and who asked it hears why',
    async (kind, seed) => {
      const { victim, other } = await clientsOf(server.lines);
      const [pid, spared] = [await pidOf(other, 0), await pidOf(other, 1)];
      const held = await holder(server.lines, kind, seed);
      expect(await held.line()).toBe(KILLED);
      await until('the end of the rogue', () => !isRunning(pid));
      for (const client of [victim, other]) {
        expect(isRunning(await pidOf(client, 0))).toBe(true);
        expect(await pidOf(client, 1)).toBe(spared);
      }
      for (const client of [victim, other, held]) client.close();
    },
  );
});
