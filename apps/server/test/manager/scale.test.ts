import { echoLoad, TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type { ScaleResult, ServerOptions } from '../../src/index.js';
import {
  isBase,
  matrix,
  pidOf,
  type RunningServer,
  startServer,
  testOfLastingClients,
  Visitor,
} from '../support.js';

const LONG_MS = 60_000;

const start = (options: Partial<ServerOptions> = {}, env: NodeJS.ProcessEnv = {}) =>
  startServer({ maxWorkerNum: 6, reactorNum: 2, ...options }, env, 'scaled');

type Came = ScaleResult & Record<string, unknown>;

/** Has the master do something, and returns what came of it. */
async function order(server: RunningServer, line: string): Promise<Came> {
  const client = await TestClient.connect(server.frames);
  client.send(`${line}\n`);
  try {
    return JSON.parse(await client.line(LONG_MS)) as Came;
  } finally {
    client.close();
  }
}

const scale = (server: RunningServer, size: object) => order(server, `scale\t${JSON.stringify(size)}`);
const sizes = (server: RunningServer) => order(server, 'sizes');

/** Pids of the workers that `ps` shows. */
const workers = (server: RunningServer): number[] =>
  Array.from({ length: 8 }, (_, id) => pidOf(server, `millrace: worker ${id}`)).flatMap((pid) => pid ?? []);

/** A client of the server that asks each time on a connection of its own, whatever closes that in between. */
async function ask(server: RunningServer, line: string): Promise<string> {
  const client = await TestClient.connect(server.lines);
  try {
    return await client.ask(line);
  } finally {
    client.close();
  }
}

testOfLastingClients(
  'scaled from four workers to one and back under load, each message is answered once, in order, on the connection that it came by',
  async () => {
    await using server = await start();
    const load = { port: server.lines, connections: 24, depth: 4, lostAfter: 20_000 };
    const result = await echoLoad(load, async () => {
      expect(await scale(server, { workers: 1 })).toEqual({ outcome: 'scaled', workers: 1, taskWorkers: 0 });
      expect(workers(server)).toHaveLength(1);
      expect(await scale(server, { workers: 4 })).toEqual({ outcome: 'scaled', workers: 4, taskWorkers: 0 });
      expect(workers(server)).toHaveLength(4);
      await scale(server, { workers: 2 });
      await scale(server, { workers: 6 });
    });
    expect(result).toMatchObject({ lost: 0, wrong: [], closed: 0 });
    expect(result.answered).toBeGreaterThan(1_000);
    expect(await sizes(server)).toEqual({ workerNum: 6, taskWorkerNum: 0 });
  },
);

testOfLastingClients(
  'what a worker was sent before it goes is answered by it, and what its clients send then by another, after that',
  async () => {
    await using server = await start({ workerNum: 2, reactorNum: 1 });
    const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(server.lines)));
    const pids = await Promise.all(clients.map((client) => client.ask('pid')));
    const leaving = String(pidOf(server, 'millrace: worker 1'));
    const its = clients.filter((_, i) => pids[i] === leaving);
    expect(its).toHaveLength(2);
    const [held, other] = its as [TestClient, TestClient];
    held.send('hold\n');
    await server.program.printed(new RegExp(`event holds ${leaving}`));
    const scaled = scale(server, { workers: 1 });
    await until('a worker that goes', () => server.program.output.includes('worker 1 finish what they have'));
    held.send('pid\n');
    other.send('pid\n');
    process.kill(Number(leaving), 'SIGCONT');
    const staying = String(pidOf(server, 'millrace: worker 0'));
    expect(await held.line()).toBe('held');
    expect(await held.line()).toBe(staying);
    expect(await other.line()).toBe(staying);
    expect((await scaled).outcome).toBe('scaled');
    expect(pidOf(server, 'millrace: worker 1')).toBeUndefined();
    for (const client of clients) client.close();
  },
);

test.skipIf(!isBase).for([false, true])(
  'in base mode the clients of a worker that goes are closed, and served by others when they come again, all the while (reusePort: %s)',
  async (reusePort) => {
    await using server = await start({ workerNum: 4, reusePort });
    let over = false;
    let answered = 0;
    const client = async () => {
      // Where a connection cannot be made it fails.
      const visitor = await Visitor.connect(server.lines);
      while (!over) {
        expect(await visitor.ask(`1:2:${answered}`)).toMatch(/^1:2:\d+$/);
        answered++;
      }
      visitor.close();
    };
    const clients = Promise.all(Array.from({ length: 6 }, client));
    expect(await scale(server, { workers: 1 })).toMatchObject({ outcome: 'scaled', workers: 1 });
    expect(workers(server)).toHaveLength(1);
    await until('more answers', () => answered > 200);
    expect(await scale(server, { workers: 6 })).toMatchObject({ outcome: 'scaled', workers: 6 });
    expect(workers(server)).toHaveLength(6);
    over = true;
    await clients;
  },
);

testOfLastingClients(
  'a worker that is killed while it goes is followed by another that answers what was sent to it',
  async () => {
    await using server = await start({ workerNum: 2, reactorNum: 1 });
    const clients = await Promise.all(Array.from({ length: 2 }, () => TestClient.connect(server.lines)));
    const pids = await Promise.all(clients.map((client) => client.ask('pid')));
    const leaving = String(pidOf(server, 'millrace: worker 1'));
    const its = clients[pids.indexOf(leaving)] as TestClient;
    // It reads no more: what comes now lies in its ring.
    process.kill(Number(leaving), 'SIGSTOP');
    its.send('1:2:3\n');
    const scaled = scale(server, { workers: 1 });
    await until('a worker that goes', () => server.program.output.includes('worker 1 finish what they have'));
    its.send('4:5:6\n');
    process.kill(Number(leaving), 'SIGKILL');
    expect(await its.line(LONG_MS)).toBe('1:2:3');
    expect(await its.line(LONG_MS)).toBe('4:5:6');
    expect(await scaled).toMatchObject({ outcome: 'scaled', workers: 1 });
    expect(workers(server)).toHaveLength(1);
    for (const client of clients) client.close();
  },
);

test('workers that stay or come are killed while it is scaled, and it comes to the size that was asked for', async () => {
  await using server = await start({ workerNum: 3, reactorNum: 1 });
  const down = scale(server, { workers: 1 });
  process.kill(workers(server)[0] as number, 'SIGKILL');
  expect(await down).toMatchObject({ outcome: 'scaled', workers: 1 });
  const before = workers(server);
  const up = scale(server, { workers: 4 });
  const starting = await until('one that starts', () => workers(server).find((pid) => !before.includes(pid)));
  process.kill(starting, 'SIGKILL');
  expect(await up).toMatchObject({ outcome: 'scaled', workers: 4 });
  await until('four workers', () => workers(server).length === 4);
  expect(workers(server)).not.toContain(starting);
  expect(await sizes(server)).toEqual({ workerNum: 4, taskWorkerNum: 0 });
});

testOfLastingClients(
  'a manager that is killed over it is followed by one that comes to the same size',
  async () => {
    await using server = await start({ workerNum: 4, reactorNum: 1 });
    const clients = await Promise.all(Array.from({ length: 8 }, () => TestClient.connect(server.lines)));
    const pids = await Promise.all(clients.map((client) => client.ask('pid')));
    const stopped = pidOf(server, 'millrace: worker 3') as number;
    process.kill(stopped, 'SIGSTOP');
    const its = clients.filter((_, i) => pids[i] === String(stopped));
    for (const client of its) client.send('1:2:3\n');
    const scaled = scale(server, { workers: 2 });
    await until('workers that go', () => server.program.output.includes('worker 3 finish what they have'));
    process.kill(pidOf(server, 'millrace: manager') as number, 'SIGKILL');
    for (const client of its) expect(await client.line(LONG_MS)).toBe('1:2:3');
    expect(await scaled).toMatchObject({ outcome: 'scaled', workers: 2 });
    expect(workers(server)).toHaveLength(2);
    for (const client of its) expect(await client.ask('4:5:6')).toBe('4:5:6');
    expect(await scale(server, { workers: 3 })).toMatchObject({ outcome: 'scaled', workers: 3 });
    for (const client of clients) client.close();
  },
);

describe('several requests', () => {
  test('at once come to one size, and who asked for another is told that it is not there', async () => {
    await using server = await start({ workerNum: 1 });
    const results = await Promise.all([2, 3, 2, 3].map((count) => scale(server, { workers: count })));
    results.forEach(({ outcome, workers, advice }, i) => {
      const asked = [2, 3, 2, 3][i];
      expect([outcome, advice]).toEqual(
        workers === asked
          ? ['scaled', undefined]
          : [
              'failed',
              expect.stringContaining(`${workers} workers and not ${asked}: another request came later`),
            ],
      );
    });
    // They are asked for within moments; the first one takes the start of a process.
    expect(results.map(({ outcome }) => outcome)).toContain('failed');
    const { workerNum } = (await sizes(server)) as unknown as { workerNum: number };
    expect(results.map(({ workers: count }) => count)).toContain(workerNum);
    expect(workers(server)).toHaveLength(workerNum);
  });

  test('during a reload wait for it, and the reload for them', async () => {
    await using server = await start({ workerNum: 2 });
    const reloaded = order(server, 'reload');
    const scaled = await scale(server, { workers: 4 });
    expect(scaled).toMatchObject({ outcome: 'scaled', workers: 4 });
    const again = scale(server, { workers: 1 });
    expect(await reloaded).toMatchObject({ outcome: 'reloaded' });
    expect(await order(server, 'reload')).toMatchObject({ outcome: 'reloaded' });
    expect(await again).toMatchObject({ workers: 1 });
    expect(workers(server)).toHaveLength(1);
  });

  test('for what is there already change nothing', async () => {
    await using server = await start({ workerNum: 2 });
    const before = workers(server);
    expect(await scale(server, { workers: 2 })).toEqual({ outcome: 'scaled', workers: 2, taskWorkers: 0 });
    expect(workers(server)).toEqual(before);
  });
});

test('beyond what was made at the start it is refused, with the limit', async () => {
  await using server = await start({ workerNum: 2, maxWorkerNum: 3 });
  expect(await scale(server, { workers: 4 })).toEqual({
    code: 'ERR_MILLRACE_SCALE',
    message:
      "'workers' cannot be 4: allowed are 1 to 3, which is 'maxWorkerNum'; that is fixed when the server starts.",
  });
  expect(await scale(server, { workers: 0 })).toMatchObject({ code: 'ERR_MILLRACE_SCALE' });
  expect(await scale(server, {})).toMatchObject({ code: 'ERR_MILLRACE_SCALE' });
  expect((await scale(server, { taskWorkers: 1 })).message).toContain('was started with taskWorkerNum 0');
});

test('a server that ends over it ends in order', async () => {
  await using server = await start({ workerNum: 3 });
  const asking = await TestClient.connect(server.frames);
  asking.send('scale\t{"workers":1}\n');
  await until('workers that go', () => server.program.output.includes('worker 2 finish what they have'));
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toMatchObject({ code: 0 });
  asking.close();
});

test('where a new worker does not come up the server stays as it is, and says why', async () => {
  await using server = await start({ workerNum: 2 }, { FAILS_FROM: '2' });
  const result = await scale(server, { workers: 4 });
  expect(result).toMatchObject({ outcome: 'failed', workers: 2 });
  expect(result.advice).toContain('There are 2 workers');
  expect(workers(server)).toHaveLength(2);
  // It is no failure of the server's start, nor of its next reload.
  expect(await order(server, 'reload')).toMatchObject({ outcome: 'reloaded', replaced: 2 });
});

test(
  'where a new worker hangs in its start, it is given up when something else is asked for',
  async () => {
    await using server = await start({ workerNum: 1 }, { HANGS_FROM: '1' });
    const hanging = scale(server, { workers: 2 });
    await server.program.printed(/^hangs in its start$/m);
    const reloaded = order(server, 'reload');
    const result = await hanging;
    expect(result).toMatchObject({ outcome: 'failed', workers: 1 });
    expect(result.advice).toMatch(
      /worker 1 had not come up within \d+ ms, and another request waits for that/,
    );
    expect(await reloaded).toMatchObject({ outcome: 'reloaded', replaced: 1 });
  },
  2 * LONG_MS,
);

describe('of task workers', () => {
  const withTasks = { workerNum: 1, taskWorkerNum: 3, maxTaskWorkerNum: 4 };

  test('a task in hand is finished by the one that goes, and those that wait are run by others', async () => {
    await using server = await start(withTasks);
    const clients = await Promise.all(Array.from({ length: 12 }, () => TestClient.connect(server.lines)));
    for (const client of clients) client.send('task 150\n');
    await until('tasks in hand', () => (server.program.output.match(/^event task/gm)?.length ?? 0) >= 3);
    expect(await scale(server, { taskWorkers: 1 })).toEqual({
      outcome: 'scaled',
      workers: 1,
      taskWorkers: 1,
    });
    for (const client of clients) expect(await client.line(LONG_MS)).toMatch(/^\d+$/);
    expect(pidOf(server, 'millrace: task worker 1')).toBeUndefined();
    expect(await scale(server, { taskWorkers: 4 })).toMatchObject({ taskWorkers: 4 });
    const pids = await Promise.all(clients.map((client) => client.ask('task 100')));
    expect(new Set(pids).size).toBe(4);
    for (const client of clients) client.close();
  });

  test('a task that has chosen one that is not there is refused, and taken when it is', async () => {
    await using server = await start(withTasks);
    expect(await ask(server, 'chosen 1 3')).toBe('ERR_MILLRACE_NO_TASK_WORKER');
    await scale(server, { taskWorkers: 4 });
    // Each process that asks hears of it by a pipe of its own.
    await until('its answer', async () => /^\d+$/.test(await ask(server, 'chosen 1 3')));
    await scale(server, { taskWorkers: 2 });
    expect(await ask(server, 'chosen 1 3')).toBe('ERR_MILLRACE_NO_TASK_WORKER');
  });

  test('one that is killed while it goes costs the task that it ran', async () => {
    await using server = await start({ ...withTasks, taskWorkerNum: 2 });
    const clients = await Promise.all([0, 1].map(() => TestClient.connect(server.lines)));
    for (const client of clients) client.send('task 2000\n');
    const leaving = pidOf(server, 'millrace: task worker 1') as number;
    await server.program.printed(new RegExp(`event task ${leaving}`));
    const scaled = scale(server, { taskWorkers: 1 });
    await until('its size', async () => (await sizes(server)).taskWorkerNum === 1);
    process.kill(leaving, 'SIGKILL');
    const answers = await Promise.all(clients.map((client) => client.line(LONG_MS)));
    expect(answers.sort()).toEqual([expect.stringMatching(/^\d+$/), 'ERR_MILLRACE_TASK_WORKER_DIED']);
    expect(await scaled).toMatchObject({ taskWorkers: 1 });
    for (const client of clients) client.close();
  });
});

test.skipIf(matrix.ipc !== undefined)(
  'ids stay what they are: those of workers that come by scaling are behind all others',
  async () => {
    await using server = await start({ workerNum: 2, taskWorkerNum: 1 });
    await scale(server, { workers: 3, taskWorkers: 2 });
    const ids = [...server.program.output.matchAll(/^event started (\d+) /gm)].map(([, id]) => Number(id));
    // Two workers and a task worker; then the third worker, and behind four places of workers the second task worker.
    expect(ids.sort()).toEqual([0, 1, 2, 3, 7]);
  },
);
