/** What is so in base mode alone; what both modes promise is tested by the other files, which run in both. */
import { openDescriptors, TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type { ClientInfo, ServerOptions, ServerStats } from '../../src/index.js';
import { createServer } from '../../src/index.js';
import { clientOf, launch, pidOf, type RunningServer, sparesWait, startServer } from '../support.js';

const start = (options: Partial<ServerOptions> = {}, name = 'sessions') =>
  startServer({ mode: 'base', ...options }, {}, name);

/** Kills a process, and waits until the next of its name is ready. */
async function kill(server: RunningServer, name: string, event: RegExp): Promise<void> {
  const before = server.program.count(event);
  process.kill(pidOf(server, `millrace: ${name}`) as number, 'SIGKILL');
  await until(`another ${name}`, () => server.program.count(event) > before);
}

const STARTS = [/event workerStart 0 pid/g, /event workerStart 1 pid/g] as const;
const killWorker = (server: RunningServer, id: 0 | 1) => kill(server, `worker ${id}`, STARTS[id]);

/** The answer to a line; undefined where the server has ended the connection before. */
async function answered(client: TestClient, line: string): Promise<string | undefined> {
  client.send(`${line}\n`);
  await until(
    'an answer or the end',
    () => client.received.includes('\n') || client.socket.readableEnded || client.ended,
  );
  return client.received.includes('\n') ? client.line() : undefined;
}

const KILLS = process.env.MILLRACE_STRESS ? 200 : 6;
/** Each costs the start of a process. A watchdog: the machine may have much else to do. */
const KILLS_DEADLINE_MS = 60_000 + KILLS * 3_000;

const json = async <T>(client: TestClient, line: string) => JSON.parse(await client.ask(line)) as T;

test.each([
  { reactorNum: 2 },
  { dispatchMode: 'round-robin' },
  { dispatchMode: 'fixed' },
  { ipc: 'pipe' },
  { spin: 100 },
] as const)('%j has no meaning, and is an error that names it', (options) => {
  const [[name, value]] = Object.entries(options) as [[string, unknown]];
  expect(() => createServer({ port: 0, mode: 'base', ...options })).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_OPTION',
      message: expect.stringContaining(
        `The option '${name}' cannot be ${JSON.stringify(value)} with mode 'base'`,
      ),
    }),
  );
});

describe('the death of a worker', () => {
  test('ends its clients, and no others; any process sees that, and the next worker takes new ones', async () => {
    await using server = await start();
    const lost = await clientOf(server.lines, 0, 'me');
    const asking = await clientOf(server.lines, 1, 'me');
    const [id] = (await lost.ask('me')).split(' ').map(Number);
    expect(await asking.ask(`exists ${id}`)).toBe('true');
    await killWorker(server, 0);
    await lost.serverClosed();
    for (const where of ['', '@']) {
      expect(await asking.ask(`${where}exists ${id}`)).toBe('false');
      expect(await asking.ask(`${where}send ${id} hello`)).toBe('undefined');
      expect(await json<ClientInfo>(asking, `${where}closedInfo ${id}`)).toMatchObject({
        closeReason: 'death',
        workerId: 0,
        reactorId: 0,
      });
    }
    const next = await clientOf(server.lines, 0, 'me');
    const [nextId] = (await next.ask('me')).split(' ').map(Number);
    expect(nextId).toBeGreaterThan(id as number);
    expect((nextId as number) % 2).toBe(0);
    const open = await json<number[]>(asking, 'list 0 100');
    await until('closed clients to be counted', async () => {
      const stats = await json<ServerStats>(asking, '@stats');
      return stats.connectionNum === 2 && stats.idleWorkerNum === 1;
    });
    expect(open).not.toContain(id);
    next.close();
    asking.close();
  });

  test.each(['', '@'])('is told to whoever waits for room at one of its clients (%j)', async (where) => {
    await using server = await start({ bufferHighWatermark: 65_536 });
    const stuck = await clientOf(server.lines, 0, 'me');
    const [id] = (await stuck.ask('me')).split(' ');
    const sending = await clientOf(server.lines, 1, 'me');
    stuck.socket.pause();
    sending.send(`${where}flood ${id} 1000 patient\n`);
    await until('the client to be full', async () => {
      const other = await clientOf(server.lines, 1, 'me');
      const info = await json<ClientInfo | null>(other, `info ${id}`);
      other.close();
      return (info?.sendQueuedBytes ?? 0) > 65_536;
    });
    await killWorker(server, 0);
    expect(await sending.line()).toMatch(/^"closed after \d+"$/);
    for (const client of [stuck, sending]) client.close();
  });

  test('leaves its place in maxConnections, and no descriptor, to others', async () => {
    await using server = await start({ maxConnections: 6 });
    await sparesWait(server);
    const manager = pidOf(server, 'millrace: manager') as number;
    const before = [server.program.pid, manager].map(openDescriptors);
    for (let i = 0; i < 3; i++) {
      const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(server.lines)));
      for (const client of clients) await client.ask('me');
      await killWorker(server, 0);
      await killWorker(server, 1);
      for (const client of clients) await client.serverClosed();
    }
    await sparesWait(server);
    await until('what the dead had to be closed', () => {
      expect([server.program.pid, manager].map(openDescriptors)).toEqual(before);
      return true;
    });
  });

  test(
    `after another (${KILLS}) under load leaves the counts right, and everybody who comes again is served`,
    async () => {
      await using server = await start();
      let going = true;
      let answers = 0;
      const come = async () => {
        while (going) {
          const client = await TestClient.connect(server.lines);
          while (going && (await answered(client, 'me'))) answers++;
          client.close();
        }
      };
      const clients = Promise.all(Array.from({ length: 20 }, come));
      for (let i = 0; i < KILLS; i++) {
        const before = answers;
        await killWorker(server, (i % 2) as 0 | 1);
        await until('more answers', () => answers > before + 100);
      }
      going = false;
      await clients;
      const asking = await TestClient.connect(server.lines);
      const { length } = await json<number[]>(asking, 'list 0 100');
      expect(length).toBeGreaterThan(0);
      await until('those that have gone to be counted', async () => {
        expect(await json<ServerStats>(asking, '@stats')).toMatchObject({ connectionNum: 1, concurrency: 1 });
        expect(await json<number[]>(asking, 'list 0 100')).toHaveLength(1);
        return true;
      });
      asking.close();
    },
    KILLS_DEADLINE_MS,
  );

  test('of all of them, with the manager, leaves no session behind', async () => {
    await using server = await start();
    const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(server.lines)));
    for (const client of clients) await client.ask('me');
    await kill(server, 'manager', STARTS[1]);
    for (const client of clients) await client.serverClosed();
    const client = await until('a client of the new workers', async () => {
      const one = await TestClient.connect(server.lines);
      return (await answered(one, 'me')) ? one : undefined;
    });
    const id = Number((await client.ask('me')).split(' ')[0]);
    expect(await json<number[]>(client, 'list 0 100')).toEqual([id]);
    expect(await json<ServerStats>(client, '@stats')).toMatchObject({ connectionNum: 1 });
    client.close();
  });
});

test('a worker that is stuck holds up its own clients alone: new ones go to the others', async () => {
  await using server = await start();
  const stuck = await clientOf(server.lines, 0, 'me');
  const pid = Number((await stuck.ask('me')).split(' ')[2]);
  process.kill(pid, 'SIGSTOP');
  await until('it to stop', () => server.program.children().find((info) => info.pid === pid)?.state === 'T');
  stuck.send('me\n');
  const clients = await Promise.all(Array.from({ length: 8 }, () => TestClient.connect(server.lines)));
  for (const client of clients) expect((await client.ask('me')).split(' ')[1]).toBe('1');
  process.kill(pid, 'SIGCONT');
  expect((await stuck.line()).split(' ')[2]).toBe(String(pid));
  for (const client of [stuck, ...clients]) client.close();
});

describe('a reload', () => {
  const reloaded = async (server: RunningServer) => {
    const before = server.program.count(/event afterReload/g);
    server.program.kill('SIGUSR1');
    await until('the reload', () => server.program.count(/event afterReload/g) > before);
    return server.program.output.match(/event afterReload (.*)/)?.[1];
  };

  test('finishes requests that are under way, then closes the connections, with their close events', async () => {
    await using server = await start({ workerNum: 1 }, 'life');
    const [busy, idle] = [await clientOf(server.lines, 0), await clientOf(server.lines, 0)];
    const [pid] = (await idle.ask('pid')).split(' ');
    busy.send('slow 300\n');
    // Behind it: when this is back, that is under way.
    expect(await busy.ask('hello')).toBe('hello');
    expect(await reloaded(server)).toBe('{"outcome":"reloaded","replaced":1}');
    for (const client of [busy, idle]) await client.serverClosed();
    expect(busy.received.toString()).toBe(`slow 300 by ${pid}\n`);
    expect(idle.received.length).toBe(0);
    expect(server.program.output.match(/event close \d+ shutdown/g)).toHaveLength(2);
    const next = await clientOf(server.lines, 0);
    expect((await next.ask('pid')).split(' ')[0]).not.toBe(pid);
    next.close();
  });

  test('turns no client away: whoever comes meanwhile is served', async () => {
    await using server = await start({ workerNum: 2 }, 'life');
    let going = true;
    let served = 0;
    const come = async () => {
      while (going) {
        const client = await TestClient.connect(server.lines);
        // One that came to a worker on its way out may have to come again; it is not left waiting.
        const answer = await answered(client, 'hello');
        expect([undefined, 'hello']).toContain(answer);
        served += Number(answer !== undefined);
        client.close();
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, come));
    for (let i = 0; i < 3; i++) await reloaded(server);
    const before = served;
    await until('more to be served', () => served > before + 20);
    going = false;
    await clients;
    expect(server.program.output).not.toMatch(/event workerError/);
    // Old and new workers have given out ids side by side.
    const ids = [...server.program.output.matchAll(/event close (\d+)/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('maxRequest: a worker that has had its messages closes its clients, and the next one serves', async () => {
  await using server = await start({ workerNum: 1, maxRequest: 3, maxRequestGrace: 0 }, 'life');
  const served = new Map<string, number>();
  for (let life = 0; life < 3; life++) {
    const client = await TestClient.connect(server.lines);
    for (let i = 0; i < 3; i++) {
      const [pid] = (await client.ask('pid')).split(' ') as [string];
      served.set(pid, (served.get(pid) ?? 0) + 1);
    }
    await client.serverClosed();
    client.close();
  }
  expect([...served.values()]).toEqual([3, 3, 3]);
});

test('with reusePort each worker has a socket of its own; what waits in that of a dead one, the next serves', async () => {
  await using server = await start({ reusePort: true });
  const stuck = await clientOf(server.lines, 0, 'me');
  const pid = Number((await stuck.ask('me')).split(' ')[2]);
  process.kill(pid, 'SIGSTOP');
  await until('it to stop', () => server.program.children().find((info) => info.pid === pid)?.state === 'T');
  // The kernel has put some of these to its socket, by their addresses.
  const clients = await Promise.all(Array.from({ length: 32 }, () => TestClient.connect(server.lines)));
  for (const client of clients) client.send('me\n');
  await killWorker(server, 0);
  await stuck.serverClosed();
  const workers = new Set<string>();
  for (const client of clients) workers.add((await client.line()).split(' ')[1] as string);
  expect([...workers].sort()).toEqual(['0', '1']);
  for (const client of [stuck, ...clients]) client.close();
});

test('counters that a dead reactor has left are not taken for written over while no process has its place', async () => {
  await using program = launch('starting', { mode: 'base' }, { HANGS: 'managerStart' });
  const manager = () => program.children().find(({ title }) => title === 'millrace: manager')?.pid;
  const hung = async (nth: number) =>
    until(`managerStart ${nth}`, () =>
      program.count(/event managerStart/g) === nth ? manager() : undefined,
    );
  process.kill(await hung(1), 'SIGCONT');
  await program.printed(/event start$/m);
  process.kill(manager() as number, 'SIGKILL');
  const next = await hung(2);
  // By then it has looked at the counters of vacant places several times.
  await program.printed(/a handler of managerStart has not settled/);
  process.kill(next, 'SIGCONT');
  await until('a worker', () => program.count(/event workerStart/g) === 2);
  expect(program.output).not.toMatch(/has written over/);
});
