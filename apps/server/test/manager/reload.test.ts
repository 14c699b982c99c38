import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { events, reload, warnings } from '../reloading.js';
import { clientOf, isBase, pidOf, startServer, testOfLastingClients, Visitor } from '../support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-reload-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('G23 a timer keeps an old worker, with workerExit, until it is cleared there; its replacement has the same id', async () => {
  await using server = await startServer({ workerNum: 1 }, { TIMER: '1', EXITS: '1' }, 'life');
  const [first] = events(server, 'workerStart').map((event) => event.split(' '));
  const oldPid = first?.[2];
  expect(first?.[3]).toBe('idle');
  await reload(server, 'SIGUSR1');
  expect(events(server, 'workerExit')).toContain(`0 pid ${oldPid} exiting`);
  expect(events(server, 'workerStop')).toEqual([`0 pid ${oldPid}`]);
  expect(server.program.output.indexOf('event workerExit')).toBeLessThan(
    server.program.output.indexOf('event workerStop'),
  );
  const starts = events(server, 'workerStart');
  expect(starts).toHaveLength(2);
  expect(starts[1]).toMatch(/^0 pid \d+ idle$/);
  expect(warnings(server)).toEqual([]);
});

test('G23 workerExit is not fired when nothing is left', async () => {
  await using server = await startServer({ workerNum: 1 }, { EXITS: '1' }, 'life');
  await reload(server, 'SIGUSR1');
  server.program.kill('SIGTERM');
  await server.program.ended();
  expect(events(server, 'workerStop')).toHaveLength(2);
  expect(events(server, 'workerExit')).toEqual([]);
});

test('G24 rounds of USR1 and USR2 restart workers once, and task workers twice in each', async () => {
  const rounds = 2;
  const [workers, taskWorkers] = [2, 2];
  const options = { workerNum: workers, taskWorkerNum: taskWorkers };
  await using server = await startServer(options, {}, 'life');
  for (let i = 0; i < rounds; i++) {
    expect(await reload(server, 'SIGUSR1')).toEqual({ outcome: 'reloaded', replaced: workers + taskWorkers });
    expect(await reload(server, 'SIGUSR2')).toEqual({ outcome: 'reloaded', replaced: taskWorkers });
  }
  const started = events(server, 'workerStart').map((event) => Number(event.split(' ')[0]));
  expect(started.filter((id) => id < workers)).toHaveLength(workers + rounds * workers);
  expect(started.filter((id) => id >= workers)).toHaveLength(taskWorkers + 2 * rounds * taskWorkers);
  expect(warnings(server)).toEqual([]);
});

test('G25 workers that hang are killed when maxWaitTime is over, and replaced', async () => {
  const workers = 4;
  await using server = await startServer({ workerNum: workers, maxWaitTime: 1_000 }, {}, 'life');
  const clients: TestClient[] = [];
  for (let id = 0; id < workers; id++) clients.push(await clientOf(server.lines, id));
  for (const client of clients) client.send('hang\n');
  await until('all workers to hang', () => events(server, 'hang').length === workers);
  const begun = performance.now();
  expect(await reload(server, 'SIGUSR1')).toEqual({ outcome: 'reloaded', replaced: workers });
  expect(performance.now() - begun).toBeGreaterThan(1_000);
  expect(warnings(server).filter((line) => line.startsWith('force kill: '))).toHaveLength(workers);
  expect(
    warnings(server).filter((line) => /^abnormal exit: worker \d ended by SIGKILL/.test(line)),
  ).toHaveLength(workers);
  expect(events(server, 'workerStart')).toHaveLength(2 * workers);
  // What they had in hand is lost with them, and nothing else; in base mode, their clients' sockets.
  for (const client of clients)
    if (isBase) await client.serverClosed();
    else expect(await client.ask('still here')).toBe('still here');
  for (const client of clients) client.close();
});

test('SIGHUP reloads workers and task workers, and says so before and after', async () => {
  await using server = await startServer({ workerNum: 2, taskWorkerNum: 1 }, {}, 'life');
  expect(await reload(server, 'SIGHUP')).toEqual({ outcome: 'reloaded', replaced: 3 });
  const order = [...server.program.output.matchAll(/^event (beforeReload|workerStop|afterReload)/gm)];
  expect(order.map(([, name]) => name)).toEqual([
    'beforeReload',
    'workerStop',
    'workerStop',
    'workerStop',
    'afterReload',
  ]);
});

testOfLastingClients(
  'a request under way when its worker is replaced is answered by it, and the next by the new one',
  async () => {
    await using server = await startServer({ workerNum: 1 }, {}, 'life');
    const client = await TestClient.connect(server.lines);
    const [pid] = (await client.ask('pid')).split(' ');
    client.send('slow 500\n');
    // Behind it: when this is back, that is under way.
    expect(await client.ask('version')).toBe('none');
    const reloading = reload(server, 'SIGUSR1');
    await until('the new worker', () => events(server, 'workerStart').length === 2);
    client.send('pid\n');
    const answers = [await client.line(), await client.line()];
    expect(answers.find((answer) => answer.startsWith('slow 500'))).toBe(`slow 500 by ${pid}`);
    await reloading;
    expect((await client.ask('pid')).split(' ')[0]).not.toBe(pid);
    client.close();
  },
);

test('what is left of the loop is waited for no longer than maxWaitTime, and named; no client waits for that', async () => {
  await using server = await startServer({ workerNum: 1, maxWaitTime: 1_500 }, {}, 'life');
  const client = await Visitor.connect(server.lines);
  expect(await client.ask('leak')).toBe('leaked');
  const reloading = reload(server, 'SIGUSR1');
  await until('the new worker to serve', async () => (await client.ask('version')) === 'none');
  await until('the old one to be replaced', async () => {
    const [pid] = (await client.ask('pid')).split(' ');
    return pid === String(pidOf(server, 'millrace: worker 0')) && events(server, 'workerStart').length === 2;
  });
  await reloading;
  expect(warnings(server).join('\n')).toMatch(
    /worker 0 has not come to its end within maxWaitTime \(1500 ms\).*Timeout/,
  );
  expect(events(server, 'workerError')).toEqual([]);
  client.close();
});

test('a version that throws at its start leaves the old workers, and the log says so', async () => {
  const version = join(directory, 'version');
  writeFileSync(version, 'one');
  await using server = await startServer({ workerNum: 2 }, { VERSION: version }, 'life');
  const client = await Visitor.connect(server.lines);
  const before = await client.ask('pid');
  writeFileSync(version, 'throws');
  expect(await reload(server, 'SIGUSR1')).toMatchObject({ outcome: 'failed', replaced: 0 });
  expect(warnings(server).join('\n')).toMatch(
    /The new worker 0 ended with code 1 before it was ready, so the one before goes on/,
  );
  expect((await client.ask('pid')).split(' ')[0]).toBe(before.split(' ')[0]);
  expect(await client.ask('version')).toBe('one');
  writeFileSync(version, 'two');
  expect(await reload(server, 'SIGUSR1')).toMatchObject({ outcome: 'reloaded', replaced: 2 });
  expect(await client.ask('version')).toBe('two');
  client.close();
});

testOfLastingClients(
  'what workerStart sends to clients goes out when the new worker has its place',
  async () => {
    await using server = await startServer({ workerNum: 1 }, { GREET: '1' }, 'life');
    const client = await TestClient.connect(server.lines);
    await client.ask('hello');
    await reload(server, 'SIGUSR1');
    expect(await client.line()).toMatch(/^greetings of \d+$/);
    client.close();
  },
);

test('a new worker that waits for a task in workerStart gets its place for that', async () => {
  await using server = await startServer({ workerNum: 1, taskWorkerNum: 1 }, { WARM: '1' }, 'life');
  expect(await reload(server, 'SIGUSR1')).toMatchObject({ outcome: 'reloaded', replaced: 2 });
  expect(events(server, 'warm')).toHaveLength(2);
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('task-pid')).toBe(String(pidOf(server, 'millrace: task worker 0')));
  client.close();
});

test('a worker can ask for a reload', async () => {
  await using server = await startServer({ workerNum: 2 }, {}, 'life');
  const client = await Visitor.connect(server.lines);
  expect(await client.ask('reload')).toBe('requested');
  await until('the reload', () => events(server, 'afterReload').length === 1);
  expect(await client.ask('hello')).toBe('hello');
  client.close();
});

test('a server that is told to stop in the middle of a reload ends in order', async () => {
  await using server = await startServer({ workerNum: 2, taskWorkerNum: 1 }, {}, 'life');
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('hello')).toBe('hello');
  client.send('slow 300\n');
  server.program.kill('SIGUSR1');
  await until('the reload to begin', () => events(server, 'beforeReload').length === 1);
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  await client.serverClosed();
  expect(client.received.toString()).toMatch(/^slow 300 by \d+\n$/);
});

test('a reload that is asked for during another runs after it, however many ask, and every process runs the newest version', async () => {
  const file = join(directory, 'version');
  writeFileSync(file, 'v1');
  await using server = await startServer({ workerNum: 3, taskWorkerNum: 1 }, { VERSION: file }, 'life');
  const client = await Visitor.connect(server.lines);
  writeFileSync(file, 'v2');
  server.program.kill('SIGHUP');
  await until('the first reload to be under way', () => events(server, 'workerStart').length > 4);
  writeFileSync(file, 'v3');
  for (const signal of ['SIGUSR2', 'SIGHUP', 'SIGUSR2'] as const) server.program.kill(signal);
  expect(await client.ask('reload')).toBe('requested');
  await until('two reloads', () => events(server, 'afterReload').length === 2, { deadlineMs: 60_000 });
  for (const result of events(server, 'afterReload'))
    expect(JSON.parse(result)).toEqual({ outcome: 'reloaded', replaced: 4 });
  for (let id = 0; id < 3; id++) {
    const one = await clientOf(server.lines, id);
    expect(await one.ask('version')).toBe('v3');
    one.close();
  }
  expect(events(server, 'workerStart')).toHaveLength(12);
  expect(events(server, 'beforeReload')).toHaveLength(2);
  client.close();
});

test('a reload that is asked for in workerStart of the last worker runs when the server is up', async () => {
  await using server = await startServer(
    { workerNum: 2 },
    { RELOAD_AT_START: join(directory, 'asked') },
    'life',
  );
  await until('the reload', () => events(server, 'afterReload').length === 1);
  expect(JSON.parse(events(server, 'afterReload')[0] as string)).toEqual({
    outcome: 'reloaded',
    replaced: 2,
  });
  expect(events(server, 'workerStart')).toHaveLength(4);
});

test('of two reloads that the master waits for, the one that the end of the server meets says that it was not done', async () => {
  await using server = await startServer({ workerNum: 1 }, { RELOADS: '2' }, 'life');
  server.program.kill('SIGCONT');
  await server.program.printed(/reloading 1 process/);
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  const results = events(server, 'result').map((text) => JSON.parse(text) as { outcome: string });
  expect(results).toHaveLength(2);
  expect(results[1]).toEqual({ outcome: 'stopped', replaced: 0 });
});

test('reloads asked for while the manager ends alone are done by the next one', async () => {
  await using server = await startServer({ workerNum: 1 }, { RELOADS: '2' }, 'life');
  const client = await TestClient.connect(server.lines);
  // It waits for the one answer when the other is there.
  client.send('slow 1000\npid\n');
  await client.line();
  process.kill(pidOf(server, 'millrace: manager') as number, 'SIGTERM');
  await server.program.printed(/SIGTERM has come to the manager alone/);
  server.program.kill('SIGCONT');
  await until('both results', () => events(server, 'result').length === 2);
  for (const text of events(server, 'result'))
    expect(JSON.parse(text)).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(await client.line()).toMatch(/^slow 1000/);
  client.close();
});

test('SIGTERM to a new worker that boots in a reload ends it, and says nothing against the version', async () => {
  await using server = await startServer({ workerNum: 1 }, { SLOW_START: '1000' }, 'life');
  server.program.kill('SIGHUP');
  await until('the new one', () => events(server, 'workerStart').length === 2);
  const [, , pid] = (events(server, 'workerStart')[1] as string).split(' ');
  process.kill(Number(pid), 'SIGTERM');
  await server.program.printed(/event afterReload \{"outcome":"reloaded","replaced":1\}/);
  // It has ended, and another has come up in its stead.
  expect(events(server, 'workerStart')).toHaveLength(3);
});

test('nobody waits for ever for a reload whose manager dies, nor is told that it was done', async () => {
  await using server = await startServer({ workerNum: 1 }, { RELOADS: '2' }, 'life');
  const manager = pidOf(server, 'millrace: manager') as number;
  server.program.kill('SIGCONT');
  await server.program.printed(/reloading 1 process/);
  process.kill(manager, 'SIGKILL');
  await until('both results', () => events(server, 'result').length === 2);
  for (const text of events(server, 'result'))
    expect(JSON.parse(text)).toMatchObject({
      outcome: 'failed',
      replaced: 0,
      advice: expect.stringContaining('reload again'),
    });
  // The next manager takes reloads again.
  expect(await reload(server, 'SIGHUP')).toEqual({ outcome: 'reloaded', replaced: 1 });
});
