import { setTimeout as sleep } from 'node:timers/promises';
import { type Program, TestClient, until, within } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { isBase, launch, overTasks, type TaskTransport } from '../support.js';

/** Tasks of each of the two workers. */
const TASKS = process.env.MILLRACE_STRESS ? 20_000 : 2_000;
/** Milliseconds between two kills. */
const KILL_EVERY_MS = 100;
/** Each costs the start of a process, during which tasks may have to wait. */
const MOST_KILLS = process.env.MILLRACE_STRESS ? Number.POSITIVE_INFINITY : 8;
/** On a busy machine a worker that is killed every 100 ms does next to nothing in its life: after these the tasks get done. */
const KILLS_END_AFTER_MS = 60_000;
/** A watchdog: the machine may have much else to do. */
const DEADLINE_MS = 300_000;

/** In base mode tasks travel as in process mode. */
const TRANSPORTS: readonly TaskTransport[] = isBase
  ? ['ring']
  : ['ring', 'pipe', 'posix-queue', 'system-v-queue'];

const programs: Program[] = [];
const ways: ReturnType<typeof overTasks>[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program[Symbol.asyncDispose]();
  for (const way of ways.splice(0)) way.remove();
});

interface Became {
  readonly answered: number;
  readonly died: number;
  readonly other: readonly unknown[];
  /** The worker that asked. */
  readonly pid: number;
}

async function start(taskTransport: TaskTransport, options: Partial<ServerOptions> = {}) {
  const way = overTasks(taskTransport);
  ways.push(way);
  const program = launch('tasks', { workerNum: 2, taskWorkerNum: 2, ...way.options, ...options });
  programs.push(program);
  const [, port] = await program.printed(/^listening (\d+)/m);
  const connect = () => TestClient.connect(Number(port));
  const crowd = async (client: TestClient, retries: number, count = TASKS) => {
    client.send(`${JSON.stringify({ form: 'crowd', value: { count, retries } })}\n`);
    return JSON.parse((await client.line(DEADLINE_MS)).slice('result '.length)) as Became;
  };
  const pids = (kind: string) =>
    program
      .children()
      .filter(({ title, state }) => title.startsWith(`millrace: ${kind}`) && state !== 'Z')
      .map(({ pid }) => pid);
  /** Task workers that have started: one that is killed before it has is one that keeps crashing, and given up. */
  const taskWorkers = () => {
    const started = [...program.output.matchAll(/^event taskWorkerStart \d+ pid (\d+)$/gm)];
    const alive = new Set(pids('task worker'));
    return started.map(([, pid]) => Number(pid)).filter((pid) => alive.has(pid));
  };
  return { connect, crowd, pids, taskWorkers };
}

describe.each(TRANSPORTS)('tasks over a %s', (taskTransport) => {
  test.each([0, 1_000])(
    'with %i retries every caller in every worker hears its result or the death, while task workers are killed',
    async (retries) => {
      const { connect, crowd, taskWorkers } = await start(taskTransport);
      const clients = [await connect(), await connect()];
      let over = false;
      let kills = 0;
      const end = performance.now() + KILLS_END_AFTER_MS;
      const killer = (async () => {
        while (!over && kills < MOST_KILLS && performance.now() < end) {
          const alive = taskWorkers();
          const pid = alive[kills % Math.max(1, alive.length)];
          if (pid !== undefined) {
            kills++;
            process.kill(pid, 'SIGKILL');
          }
          await sleep(KILL_EVERY_MS);
        }
      })();
      const results = await within(
        'the tasks',
        Promise.all(clients.map((client) => crowd(client, retries))),
        DEADLINE_MS,
      );
      over = true;
      await killer;
      const died = results.map((result) => result.died);
      console.log(`${taskTransport}, ${retries} retries: ${kills} kills, ${died.join(' and ')} tasks died`);
      expect(kills).toBeGreaterThan(0);
      for (const { answered, died, other } of results) {
        expect(other).toEqual([]);
        expect(answered + died).toBe(TASKS);
        if (retries > 0) expect(died).toBe(0);
      }
      // A death costs the one task that had been begun.
      expect(died.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(kills);
      for (const client of clients) client.close();
    },
    DEADLINE_MS,
  );

  test(
    'the successor of a worker that was killed with tasks under way gets the answers to its own',
    async () => {
      const { connect, crowd, pids } = await start(taskTransport, { workerNum: 1 });
      let client = await connect();
      for (let round = 0; round < 5; round++) {
        const [pid] = pids('worker');
        client.send(`${JSON.stringify({ form: 'crowd', value: { count: 1e6, retries: 0 } })}\n`);
        // Tasks are under way once this one, which came after them, has been answered.
        client.send(`${JSON.stringify({ name: 'echo', value: round })}\n`);
        expect(await client.line()).toBe(`result ${round}`);
        process.kill(pid as number, 'SIGKILL');
        await until('a successor', () => pids('worker').some((other) => other !== pid));
        if (isBase) {
          // The socket was the dead worker's.
          await client.serverClosed();
          client = await connect();
        }
        const result = await crowd(client, 0, 500);
        expect(result).toMatchObject({ answered: 500, died: 0, other: [] });
        expect(result.pid).not.toBe(pid);
      }
      client.close();
    },
    DEADLINE_MS,
  );
});
