import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { clientOf, isBase, launch, pidOf, type RunningServer, startServer } from '../support.js';

/** What the tests wait for takes seconds of real time, since the limits are such: they wait beside each other, each for its own server. */
const passed = (ms: number) => {
  const begunAt = performance.now();
  return until(`${ms} ms to pass`, () => performance.now() - begunAt > ms);
};

async function everybody({ program }: RunningServer, signal: NodeJS.Signals): Promise<void> {
  for (const { pid } of program.children()) process.kill(pid, signal);
}

test.concurrent('a worker that loops for ever is killed at hangTimeout and replaced, and the other one serves', async () => {
  await using server = await startServer({ workerNum: 2, hangTimeout: 3_000 }, {}, 'life');
  const [hanging, other] = [await clientOf(server.lines, 0), await clientOf(server.lines, 1)];
  hanging.send('hang\n');
  await server.program.printed(/the loop of worker 0 has not turned for \d s \(hangTimeout\): it is killed/);
  await server.program.printed(/abnormal exit: worker 0 ended by SIGKILL; it is replaced/);
  await server.program.printed(/worker 0 has been replaced/);
  expect(await other.ask('there?')).toBe('there?');
  if (!isBase) expect(await hanging.ask('again?')).toBe('again?');
  hanging.close();
  other.close();
});

test.concurrent('without hangTimeout it is named after five seconds, and left alone; the limit of workers is none of task workers', async () => {
  await using server = await startServer({ workerNum: 2, taskWorkerNum: 1 }, {}, 'life');
  const hanging = await clientOf(server.lines, 0);
  const asking = await clientOf(server.lines, 1);
  expect(await asking.ask('hang-task')).toBe('posted');
  hanging.send('hang\n');
  const named = (name: string) =>
    new RegExp(`the loop of ${name} has not turned for \\d s: .* set \\w+ to have it killed`);
  await server.program.printed(named('worker 0'));
  await server.program.printed(named('task worker 0'));
  expect(server.program.output).not.toMatch(/abnormal exit|worker 1 has not/);
  hanging.close();
  asking.close();
});

test.concurrent('a task that loops for ever is killed at taskHangTimeout', async () => {
  await using server = await startServer(
    { workerNum: 1, taskWorkerNum: 1, taskHangTimeout: 3_000 },
    {},
    'life',
  );
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('hang-task')).toBe('posted');
  await server.program.printed(
    /the loop of task worker 0 has not turned for \d s \(taskHangTimeout\): it is killed/,
  );
  expect(Number(await client.ask('task-pid'))).toBeGreaterThan(0);
  client.close();
});

test.concurrent('a server that was frozen as a whole for longer than hangTimeout kills nobody when it goes on', async () => {
  await using server = await startServer({ workerNum: 2, hangTimeout: 3_000 }, {}, 'life');
  const client = await TestClient.connect(server.lines);
  await everybody(server, 'SIGSTOP');
  server.program.kill('SIGSTOP');
  await passed(4_000);
  await everybody(server, 'SIGCONT');
  server.program.kill('SIGCONT');
  await passed(2_500);
  expect(await client.ask('there?')).toBe('there?');
  expect(server.program.output).not.toMatch(/has not turned|abnormal exit/);
  client.close();
});

test.concurrent('a manager whose loop stands still is killed at hangTimeout, and another comes with new processes', async () => {
  await using server = await startServer(
    { workerNum: 1, hangTimeout: 3_000 },
    { MANAGER_HANGS: '1' },
    'life',
  );
  const manager = pidOf(server, 'millrace: manager') as number;
  process.kill(manager, 'SIGCONT');
  await server.program.printed(
    /the loop of the manager has not turned for \d s \(hangTimeout\): it is killed/,
  );
  await server.program.printed(/the manager ended by SIGKILL; it is replaced/);
  await until('another manager with a worker', () => {
    const pids = server.program.output.match(/event managerStart \d+/g) ?? [];
    return pids.length === 2 && (server.program.output.match(/event workerStart/g) ?? []).length === 2;
  });
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('there?')).toBe('there?');
  client.close();
});

test.concurrent('without hangTimeout a manager whose loop stands still is named, and the workers serve', async () => {
  await using server = await startServer({ workerNum: 1 }, { MANAGER_HANGS: '1' }, 'life');
  process.kill(pidOf(server, 'millrace: manager') as number, 'SIGCONT');
  await server.program.printed(
    /the loop of the manager has not turned for \d s: .* set hangTimeout to have it killed/,
  );
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('there?')).toBe('there?');
  client.close();
});

test.concurrent('a manager that is stopped alone is named for what it is, not killed, and goes on', async () => {
  await using server = await startServer({ workerNum: 1, hangTimeout: 3_000 }, {}, 'life');
  const manager = pidOf(server, 'millrace: manager') as number;
  process.kill(manager, 'SIGSTOP');
  await server.program.printed(/the manager is stopped, by a signal or a debugger/);
  await passed(3_500);
  process.kill(manager, 'SIGCONT');
  server.program.kill('SIGHUP');
  await server.program.printed(/event afterReload \{"outcome":"reloaded"/);
  expect(pidOf(server, 'millrace: manager')).toBe(manager);
  expect(server.program.output).not.toMatch(/has not turned|abnormal exit/);
});

test.concurrent('a user process whose loop stands still after its start is killed at hangTimeout and replaced', async () => {
  await using server = await startServer({ workerNum: 1, hangTimeout: 3_000 }, { USER_PROCESS: '1' }, 'life');
  const [, pid] = await server.program.printed(/event userProcess pid (\d+)/);
  process.kill(Number(pid), 'SIGCONT');
  await server.program.printed(
    /the loop of user process 0 has not turned for \d s \(hangTimeout\): it is killed/,
  );
  await until('another', () => server.program.output.match(/event userProcess/g)?.length === 2);
});

test.concurrent('a worker that is stopped alone, as by a debugger, is named for what it is and not killed', async () => {
  await using server = await startServer({ workerNum: 1, hangTimeout: 3_000 }, {}, 'life');
  const client = await TestClient.connect(server.lines);
  const [pid] = (await client.ask('pid')).split(' ');
  process.kill(Number(pid), 'SIGSTOP');
  await server.program.printed(/worker 0 is stopped, by a signal or a debugger/);
  await passed(3_500);
  process.kill(Number(pid), 'SIGCONT');
  expect((await client.ask('pid')).split(' ')[0]).toBe(pid);
  expect(server.program.output).not.toMatch(/has not turned|abnormal exit/);
  client.close();
});

test.concurrent.each([
  ['managerStart', /a handler of managerStart has not settled for 5 s: no process is started before it has/],
  ['workerStart', /a handler of workerStart has not settled for 5 s: worker 0 takes nothing before it has/],
  [
    'taskWorkerStart',
    /a handler of workerStart has not settled for 5 s: task worker 0 takes nothing before it has/,
  ],
  ['start', /a handler of start has not settled for 5 s: start\(\) does not resolve before it has/],
  ['entry', /worker 0 has run for \d s and has not begun/],
])('%s that never settles is named after five seconds', async (hangs, named) => {
  await using program = launch('starting', {}, { HANGS: hangs });
  await program.printed(named);
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
});
