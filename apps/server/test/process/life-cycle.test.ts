import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, Program, TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { again } from '../signalling.js';
import {
  clientOf,
  fixture,
  isBase,
  launch,
  pidOf,
  type RunningServer,
  spareWaits,
  startServer,
  testOfLastingClients,
  Visitor,
} from '../support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-life-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const events = ({ program }: Pick<RunningServer, 'program'>, name: string) =>
  [...program.output.matchAll(new RegExp(`^event ${name}\\b(.*)$`, 'gm'))].map(([, rest]) =>
    (rest as string).trim(),
  );

const eventOrder = (output: string, ...names: string[]) =>
  [...output.matchAll(new RegExp(`^event (${names.join('|')})\\b`, 'gm'))].map(([, name]) => name);

// In base mode there is no turn, and no connection that outlives its worker.
test.skipIf(isBase)(
  'G26 with maxRequest 10 each worker answers exactly 10, in turns, and neither a request nor the connection is lost',
  async () => {
    const options = { workerNum: 2, dispatchMode: 'round-robin', maxRequest: 10 } as const;
    await using server = await startServer(options, {}, 'life');
    const client = await TestClient.connect(server.lines);
    const served = new Map<string, number>();
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) {
      const [pid, id, count] = (await client.ask('pid')).split(' ') as [string, string, string];
      ids.push(id);
      served.set(pid, (served.get(pid) ?? 0) + 1);
      expect(Number(count)).toBe(served.get(pid));
    }
    expect(ids).toEqual(ids.map((_, i) => String((Number(ids[0]) + i) % 2)));
    expect([...served.values()]).toEqual([10, 10, 10, 10]);
    expect(events(server, 'workerError')).toEqual([]);
    client.close();
  },
);

testOfLastingClients(
  'maxRequest is exact under a flood, too: what a worker has not taken is answered by the next',
  async () => {
    const options = { workerNum: 1, maxRequest: 50, maxRequestGrace: 0 };
    await using server = await startServer(options, {}, 'life');
    const client = await TestClient.connect(server.lines);
    client.send('pid\n'.repeat(175));
    const served = new Map<string, number>();
    for (let i = 0; i < 175; i++) {
      const [pid] = (await client.line()).split(' ') as [string];
      served.set(pid, (served.get(pid) ?? 0) + 1);
    }
    expect([...served.values()]).toEqual([50, 50, 50, 25]);
    client.close();
  },
);

test('with a grace workers are replaced after that many messages more at most', async () => {
  const options = { workerNum: 1, maxRequest: 20 };
  await using server = await startServer(options, {}, 'life');
  const client = await Visitor.connect(server.lines);
  const served = new Map<string, number>();
  for (let i = 0; i < 70; i++) {
    const [pid] = (await client.ask('pid')).split(' ') as [string];
    served.set(pid, (served.get(pid) ?? 0) + 1);
  }
  const counts = [...served.values()].slice(0, -1);
  expect(counts.length).toBeGreaterThan(1);
  for (const count of counts) {
    expect(count).toBeGreaterThan(20);
    expect(count).toBeLessThanOrEqual(30);
  }
  client.close();
});

test('taskMaxRequest replaces task workers, and no task is lost', async () => {
  const options = { workerNum: 1, taskWorkerNum: 1, taskMaxRequest: 5 };
  await using server = await startServer(options, {}, 'life');
  const client = await TestClient.connect(server.lines);
  client.send('task-pid\n'.repeat(15));
  const served = new Map<string, number>();
  for (let i = 0; i < 15; i++) {
    const pid = await client.line();
    served.set(pid, (served.get(pid) ?? 0) + 1);
  }
  expect([...served.values()]).toEqual([5, 5, 5]);
  client.close();
});

test('a worker that holds more than maxWorkerMemory is replaced, and its clients stay', async () => {
  const options = { workerNum: 1, maxWorkerMemory: 250 << 20 };
  await using server = await startServer(options, {}, 'life');
  const client = await Visitor.connect(server.lines);
  const [pid] = (await client.ask('pid')).split(' ');
  expect(await client.ask(`grow ${256 << 20}`)).toBe('grown');
  await until('another worker', async () => (await client.ask('pid')).split(' ')[0] !== pid);
  expect(events(server, 'workerError')).toEqual([]);
  client.close();
});

test('G27 after each of five kills a process has the title of worker 0 again', async () => {
  await using server = await startServer({ workerNum: 2 }, {}, 'life');
  const client = await clientOf(server.lines, 1);
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    // One that still boots would tell of Node's start, not of the change.
    await spareWaits(server);
    const pid = pidOf(server, 'millrace: worker 0') as number;
    const begun = performance.now();
    process.kill(pid, 'SIGKILL');
    await until(
      'worker 0',
      () => {
        const now = pidOf(server, 'millrace: worker 0');
        return now !== undefined && now !== pid;
      },
      { everyMs: 1 },
    );
    times.push(performance.now() - begun);
    expect(isRunning(server.program.pid)).toBe(true);
    await until('it to be ready', () => events(server, 'workerStart').length === 2 + i + 1);
  }
  expect(await client.ask('hello')).toBe('hello');
  expect(events(server, 'workerError')).toHaveLength(5);
  console.log(`worker 0 was there again after ${times.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  client.close();
});

test('G29 shutdown from the start handler: beforeShutdown may let go what holds the loop, then shutdown, then the end', async () => {
  await using program = launch('life', {}, { STOP_AT_START: '1' });
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(eventOrder(program.output, 'beforeShutdown', 'workerStop', 'managerStop', 'shutdown')).toEqual([
    'beforeShutdown',
    'workerStop',
    'workerStop',
    'managerStop',
    'shutdown',
  ]);
  // It does not start again.
  expect(program.output).toMatch(/^event again ERR_MILLRACE_STARTED$/m);
});

test('a start handler that waits for shutdown ends the server in order, where processes have messages for each other', async () => {
  await using program = launch('stops-at-start');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/^ended\nresolved\nERR_MILLRACE_NOT_RUNNING$/m);
});

test('handlers of shutdown read what the server has counted; later it says that it does not run', async () => {
  await using server = await startServer({}, {}, 'loaded');
  const client = await TestClient.connect(server.lines);
  for (const line of ['sleep 0 1', 'sleep 0 2']) expect(await client.ask(line)).toBe(`sleep ${line.at(-1)}`);
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(events(server, 'shutdown')).toEqual(['2 0']);
  expect(events(server, 'stats after shutdown')).toEqual(['ERR_MILLRACE_NOT_RUNNING']);
  client.close();
});

test('a beforeShutdown that does not come to its end is left behind after maxWaitTime', async () => {
  await using server = await startServer(
    { maxWaitTime: 200, workerNum: 1 },
    { BEFORE_SHUTDOWN: 'never' },
    'life',
  );
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(server.program.output).toMatch(/beforeShutdown was not done within maxWaitTime \(200 ms\)/);
  expect(events(server, 'shutdown')).toHaveLength(1);
});

test('workerError has the code or signal, and how long it lived; SIGQUIT ends everything in order', async () => {
  await using server = await startServer({ workerNum: 1 }, {}, 'life');
  process.kill(pidOf(server, 'millrace: worker 0') as number, 'SIGKILL');
  await until('the event', () => events(server, 'workerError').length === 1);
  expect(events(server, 'workerError')).toEqual(['0 SIGKILL true']);
  await until('the next worker', () => events(server, 'workerStart').length === 2);
  server.program.kill('SIGQUIT');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(events(server, 'shutdown')).toHaveLength(1);
});

test('a second SIGTERM hurries: what is under way is not waited for', async () => {
  await using server = await startServer({ maxWaitTime: 60_000, workerNum: 1 }, {}, 'life');
  const client = await TestClient.connect(server.lines);
  const other = await TestClient.connect(server.lines);
  client.send('slow 600000\n');
  other.send('hang\n');
  await server.program.printed(/event hang/);
  server.program.kill('SIGTERM');
  await server.program.printed(/shutting down/);
  await again(server, 'SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  expect(server.program.output).toMatch(/asked to stop once more/);
  expect(eventOrder(server.program.output, 'managerStop', 'shutdown')).toEqual(['managerStop', 'shutdown']);
});

describe('the pid file', () => {
  const failure = (program: Program) => program.printed(/ERR_MILLRACE_PID_FILE/);

  test('G28 is there when start fires, has the pid of the master, keeps another server from starting, and is gone after an orderly stop', async () => {
    const pidFile = join(directory, 'pid');
    await using server = await startServer({ pidFile, workerNum: 1 }, {}, 'life');
    const [, pid] = server.program.output.match(/listening \d+ 0 pid (\d+)/) as RegExpMatchArray;
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
    expect(Number(pid)).toBe(server.program.pid);
    await using other = launch('life', { pidFile });
    expect((await other.ended()).code).not.toBe(0);
    await failure(other);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
    server.program.kill('SIGTERM');
    await server.program.ended();
    expect(existsSync(pidFile)).toBe(false);
  });

  test('of a server that was killed is taken over', async () => {
    const pidFile = join(directory, 'pid');
    await using killed = await startServer({ pidFile, workerNum: 1 }, {}, 'life');
    killed.program.kill('SIGKILL');
    await killed.program.ended();
    expect(existsSync(pidFile)).toBe(true);
    await using server = await startServer({ pidFile, workerNum: 1 }, {}, 'life');
    expect(readFileSync(pidFile, 'utf8')).toBe(`${server.program.pid}\n`);
  });

  test('of a running server is its own whatever the clock says of the age of the file', async () => {
    const pidFile = join(directory, 'pid');
    await using server = await startServer({ pidFile, workerNum: 1 }, {}, 'life');
    // As after a step of the wall clock by years: the file is older than its process.
    utimesSync(pidFile, 1_000_000_000, 1_000_000_000);
    await using other = launch('life', { pidFile });
    expect((await other.ended()).code).not.toBe(0);
    await failure(other);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${server.program.pid}\n`);
  });

  test('that a killed server has left goes to one of several that start at once', async () => {
    const pidFile = join(directory, 'pid');
    writeFileSync(pidFile, '999999999\n');
    const programs = Array.from({ length: 3 }, () => launch('life', { pidFile, workerNum: 1 }));
    const came = await Promise.all(
      programs.map((program) =>
        Promise.race([
          program.printed(/^listening/m).then(() => program),
          program.ended().then(() => undefined),
        ]),
      ),
    );
    const up = came.filter((program) => program !== undefined);
    expect(up).toHaveLength(1);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${up[0]?.pid}\n`);
    expect(readdirSync(directory)).toEqual(['pid']);
    for (const program of programs) await program[Symbol.asyncDispose]();
  });

  test('whose pid has become that of another process is taken over', async () => {
    const pidFile = join(directory, 'pid');
    // This process runs, and is younger than the file.
    writeFileSync(pidFile, `${process.pid}\n`);
    utimesSync(pidFile, 1_000_000_000, 1_000_000_000);
    await using server = await startServer({ pidFile, workerNum: 1 }, {}, 'life');
    expect(readFileSync(pidFile, 'utf8')).toBe(`${server.program.pid}\n`);
  });

  test('that cannot be written is an error that says why', async () => {
    await using program = launch('life', { pidFile: join(directory, 'missing', 'pid') });
    await failure(program);
    expect(program.output).toMatch(
      /The pidFile '.*' cannot be written: there is no directory .*missing\. Make it first, or name another pidFile/,
    );
  });
});

test('a start that has failed does not count: the program may start another server, and its processes are of that one', async () => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  await using program = new Program(fixture('second-try'), { args: [String(port)] });
  const [, listening] = await program.printed(/^listening (\d+)/m);
  expect(program.output).toMatch(/^failed ERR_MILLRACE_LISTEN$/m);
  const client = await TestClient.connect(Number(listening));
  expect(await client.ask('hello')).toBe('of the second');
  client.close();
});

test('a second server in one program is refused, with words that say what to do instead', async () => {
  await using program = new Program(fixture('two-servers'));
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  // Once, in the master.
  expect(program.output.match(/^refused .*/gm)).toEqual([
    expect.stringMatching(/^refused ERR_MILLRACE_SECOND_SERVER .*addListener/),
  ]);
  expect(program.output).toMatch(/^still refused ERR_MILLRACE_SECOND_SERVER$/m);
});
