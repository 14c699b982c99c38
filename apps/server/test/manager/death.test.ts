import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  echoLoad,
  isRunning,
  leaks,
  leavings,
  openDescriptors,
  processInfo,
  TestClient,
  until,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  clientOf,
  isBase,
  pidOf,
  type RunningServer,
  sparesWait,
  startServer,
  testOfLastingClients,
} from '../support.js';

const TITLES = ['millrace: manager', 'millrace: task worker 0', 'millrace: worker 0', 'millrace: worker 1'];

describe('a server whose processes die', () => {
  // One server for all of them: that it goes on after each death is what they show.
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** Kills the process of this title and waits until another has it and is ready. */
  async function kill(title: string, ready: RegExp): Promise<void> {
    const pid = pidOf(server, title) as number;
    const before = server.program.count(ready);
    process.kill(pid, 'SIGKILL');
    await until(
      `another ${title}`,
      () => server.program.count(ready) > before && pidOf(server, title) !== pid,
    );
  }

  test('names every process by its role and id', async () => {
    // Those that wait to take a dead one's place come when the others are ready, and have their names once Node has booted.
    const named = () =>
      server.program
        .children()
        .map(({ title }) => title)
        .filter((title) => !title.endsWith(': spare'))
        .sort();
    await until('the processes to have their names', () => {
      expect(named()).toEqual(TITLES);
      return true;
    });
  });

  testOfLastingClients('replaces a killed worker under the same id; its clients stay connected', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(server.lines)));
    const before = await Promise.all(clients.map((client) => client.ask('pid')));
    await kill('millrace: worker 0', /event workerStart 0 pid/g);
    for (const [i, was] of before.entries()) {
      const [pid, id, address] = was.split(' ');
      // The replacement is told who its clients are; what waited in its ring comes before that.
      const after = await until('the address of a client to be known', async () => {
        const answer = (await clients[i]?.ask('pid'))?.split(' ');
        return answer?.[2] === address ? answer : undefined;
      });
      expect(after[1]).toBe(id);
      expect(after[0] === pid).toBe(id === '1');
    }
    await server.program.printed(/event workerError 0 SIGKILL/);
    for (const client of clients) client.close();
  });

  testOfLastingClients('what a killed worker had not read is answered by its replacement', async () => {
    const client = await TestClient.connect(server.lines);
    const [pid, id] = (await client.ask('pid')).split(' ');
    // Stopped, it reads nothing: everything waits in the ring.
    process.kill(Number(pid), 'SIGSTOP');
    await until(
      'the worker to stop',
      () => server.program.children().find((info) => info.pid === Number(pid))?.state === 'T',
    );
    for (let i = 0; i < 1_000; i++) client.send(`message ${i}\n`);
    await kill(`millrace: worker ${id}`, new RegExp(`event workerStart ${id} pid`, 'g'));
    for (let i = 0; i < 1_000; i++) expect(await client.line()).toBe(`message ${i}`);
    client.close();
  });

  test('a client that had ended its sending is closed by the replacement', async () => {
    const client = await TestClient.connect(server.lines);
    const [, id] = (await client.ask('pid')).split(' ');
    client.send('sleep 1000\n');
    client.finish();
    await until('the task to run', async () => pidOf(server, 'millrace: task worker 0'));
    await kill(`millrace: worker ${id}`, new RegExp(`event workerStart ${id} pid`, 'g'));
    await client.serverClosed();
  });

  test('an uncaught error ends its worker, and no connection but, in base mode, its own', async () => {
    const [client, other] = [await clientOf(server.lines, 0), await clientOf(server.lines, 1)];
    const [pid] = (await client.ask('pid')).split(' ');
    client.send('crash\n');
    await server.program.printed(/an error outside of any handler/);
    if (isBase) await client.serverClosed();
    else expect((await client.ask('pid')).split(' ')[0]).not.toBe(pid);
    expect(await other.ask('hello')).toBe('hello');
    for (const one of [client, other]) one.close();
  });

  test('a worker that hangs can be killed, and its other clients are answered (in base mode, closed)', async () => {
    const clients = [await clientOf(server.lines, 0), await clientOf(server.lines, 0)];
    const [hanging, neighbour] = clients as [TestClient, TestClient];
    const pid = Number((await hanging.ask('pid')).split(' ')[0]);
    const hangs = server.program.count(/event hang/g);
    hanging.send('hang\n');
    // Killed before it has taken the message, it would leave it to its replacement.
    await until('the worker to hang', () => server.program.count(/event hang/g) > hangs);
    neighbour.send('behind it\n');
    await kill('millrace: worker 0', /event workerStart 0 pid/g);
    expect(isRunning(pid)).toBe(false);
    if (isBase) await neighbour.serverClosed();
    else expect(await neighbour.line()).toBe('behind it');
    for (const client of clients) client.close();
  });

  testOfLastingClients(
    'of messages that came together, a worker that dies over the first loses that one alone',
    async () => {
      const client = await TestClient.connect(server.lines);
      const [, id] = (await client.ask('pid')).split(' ');
      const hangs = server.program.count(/event hang/g);
      client.send(`hang\n${Array.from({ length: 100 }, (_, i) => `behind it ${i}\n`).join('')}`);
      await until('the worker to hang', () => server.program.count(/event hang/g) > hangs);
      await kill(`millrace: worker ${id}`, new RegExp(`event workerStart ${id} pid`, 'g'));
      for (let i = 0; i < 100; i++) expect(await client.line()).toBe(`behind it ${i}`);
      client.close();
    },
  );

  test('the caller of a task whose worker died hears of it at once, and the next task runs', async () => {
    const client = await TestClient.connect(server.lines);
    // The task of a worker that was killed may still run: it is not the one that is to be seen.
    expect(await client.ask('count a b')).toBe('2');
    const taken = server.program.count(/event sleep 60000/g);
    client.send('sleep 60000\n');
    // The second asks the same worker: it waits behind the first, and is not lost with it.
    client.send('count a b\n');
    // Killed before it has begun the task, the worker would leave it to the next.
    await until('the task to be begun', () => server.program.count(/event sleep 60000/g) > taken);
    await kill('millrace: task worker 0', /event workerStart 2 pid/g);
    expect(JSON.parse(await client.line())).toMatchObject({
      code: 'ERR_MILLRACE_TASK_WORKER_DIED',
      signal: 'SIGKILL',
      isTaskError: true,
    });
    expect(await client.line()).toBe('2');
    client.close();
  });

  test('a large task whose worker dies before it has begun it is run by the next', async () => {
    const client = await TestClient.connect(server.lines);
    const taskWorker = pidOf(server, 'millrace: task worker 0') as number;
    expect(await client.ask('large 1000')).toBe('1000');
    process.kill(taskWorker, 'SIGSTOP');
    // A signal is sent at once, and acts when the process next enters the kernel.
    await until('it to stop', () => processInfo(taskWorker)?.state === 'T');
    // 4 MB: in a file, which the dead worker has not read.
    client.send('large 2000000\n');
    client.send('taken\n');
    expect(await client.line()).toBe('taken');
    await kill('millrace: task worker 0', /event workerStart 2 pid/g);
    expect(await client.line()).toBe('2000000');
    expect(await client.ask('large 2000000')).toBe('2000000');
    client.close();
  });

  test('a server that was killed leaves an empty directory alone, and the next start removes that', async () => {
    // A directory of its own, where other programs leave nothing either.
    const directory = mkdtempSync(join(tmpdir(), 'millrace-death-'));
    vi.stubEnv('TMPDIR', directory);
    try {
      const before = leavings();
      const other = await startServer();
      other.program.kill('SIGKILL');
      await other[Symbol.asyncDispose]();
      const left = () => leaks(before).filter((name) => !name.startsWith('process '));
      // It is made at the start, and nobody is left to remove it.
      const [tasks] = await until('everything else to be gone', () => {
        expect(left()).toEqual([expect.stringMatching(/\/millrace-tasks-[^/]*$/)]);
        return left();
      });
      expect(readdirSync(directory)).toEqual([basename(tasks as string)]);
      expect(readdirSync(tasks as string)).toEqual([]);
      await using next = await startServer();
      expect(existsSync(tasks as string)).toBe(false);
      next.program.kill('SIGTERM');
      expect(await next.program.ended()).toMatchObject({ code: 0 });
      expect(left()).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(directory, { recursive: true });
    }
  });

  test('many deaths and many clients leave no descriptor open in the master', async () => {
    const master = server.program.pid;
    const client = await TestClient.connect(server.lines);
    await client.ask('hello');
    await sparesWait(server);
    const before = openDescriptors(master);
    for (let i = 0; i < 3; i++) {
      await kill('millrace: worker 0', /event workerStart 0 pid/g);
      const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(server.lines)));
      await Promise.all(clients.map((one) => one.ask('hello')));
      for (const one of clients) one.close();
    }
    await sparesWait(server);
    await until('the descriptors of the clients to be closed', () => openDescriptors(master) <= before);
    client.close();
  });

  testOfLastingClients(
    'under load, killed workers close no connection and lose only what they had in hand',
    async () => {
      const kills = 6;
      const result = await echoLoad(
        { port: server.lines, connections: 50, depth: 4, lostAfter: 20_000 },
        async () => {
          for (let i = 0; i < kills; i++)
            await kill(`millrace: worker ${i % 2}`, new RegExp(`event workerStart ${i % 2} pid`, 'g'));
        },
      );
      expect(result).toMatchObject({ wrong: [], closed: 0 });
      // Echoing is done at once: a worker has at most one message in hand when it is killed.
      expect(result.lost).toBeLessThanOrEqual(kills);
      expect(result.answered).toBeGreaterThan(1_000);
    },
  );

  testOfLastingClients('clients notice nothing of the death of the manager', async () => {
    const client = await TestClient.connect(server.lines);
    const [pid] = (await client.ask('pid')).split(' ');
    await kill('millrace: manager', /event workerStart 1 pid/g);
    await until('no worker of the dead manager', () => !isRunning(Number(pid)));
    expect(await client.ask('still here?')).toBe('still here?');
    expect((await client.ask('pid')).split(' ')[0]).not.toBe(pid);
    client.close();
  });
});

describe('a server whose master is killed', () => {
  test('nothing is left a second after the master was killed', async () => {
    await using server = await startServer();
    // One that Node still boots ends when it has: see the next test.
    await sparesWait(server);
    const pids = server.program.children().map(({ pid }) => pid);
    server.program.kill('SIGKILL');
    await until('no process left', () => !pids.some(isRunning), { deadlineMs: 1_000 });
  });

  test('nothing is left when the master is killed while its processes start', async () => {
    await using starting = await startServer();
    process.kill(pidOf(starting, 'millrace: worker 0') as number, 'SIGKILL');
    await sleep(1);
    const pids = starting.program.children().map(({ pid }) => pid);
    starting.program.kill('SIGKILL');
    await until('no process left', () => !pids.some(isRunning));
  });
});
