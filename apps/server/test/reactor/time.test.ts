import { fileURLToPath } from 'node:url';
import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { Punctual } from '../../src/reactor/idle-reaper.js';
import { SteadyClock } from '../../src/reactor/steady-clock.js';
import { fixture, isBase, pidOf, startServer } from '../support.js';

test('a steady clock goes on as before when the wall clock is set, until it is told to follow', () => {
  let wall = 1_700_000_000_000;
  let monotonic = 5_000;
  const clock = new SteadyClock(
    () => wall,
    () => monotonic,
  );
  expect(clock.now()).toBe(wall);
  wall += 3_600_000;
  monotonic += 40;
  expect(clock.now()).toBe(1_700_000_000_040);
  expect(clock.followStep()).toBe(3_599_960);
  expect(clock.now()).toBe(wall);
  expect(clock.followStep()).toBe(0);
  wall -= 7_200_000;
  expect(clock.followStep()).toBe(-7_200_000);
  expect(clock.now()).toBe(wall);
});

test('a look that comes much too late does not judge; the next one does, late or not', () => {
  const punctual = new Punctual(100, 0);
  expect(punctual.judges(100)).toBe(true);
  expect(punctual.judges(205)).toBe(true);
  expect(punctual.judges(5_000)).toBe(false);
  expect(punctual.judges(5_100)).toBe(true);
  expect(punctual.judges(9_000)).toBe(false);
  expect(punctual.judges(15_000)).toBe(true);
});

/** What serves the clients. */
const servant = isBase ? 'millrace: worker 0' : 'millrace: master';
/** Far longer than a busy machine keeps a client or a server from its turn. */
const IDLE_MS = 2_000;

test('after a freeze nobody is called idle who has sent something meanwhile, or who was frozen as well', async () => {
  const options = { workerNum: 1, reactorNum: 1, spares: 0, heartbeatIdleTime: IDLE_MS };
  await using server = await startServer(options, {}, 'fairness');
  const [speaking, frozen] = [await TestClient.connect(server.lines), await TestClient.connect(server.lines)];
  await Promise.all([speaking.ask('one'), frozen.ask('one')]);
  const pid = pidOf(server, servant) ?? server.program.pid;
  process.kill(pid, 'SIGSTOP');
  const thaw = performance.now() + 2.5 * IDLE_MS;
  speaking.send('meanwhile\n');
  await until('the idle time to be over', () => performance.now() > thaw);
  process.kill(pid, 'SIGCONT');
  expect(await speaking.line()).toMatch(/meanwhile$/);
  expect(await frozen.ask('two')).toMatch(/two$/);
  // Whoever is silent from then on is closed.
  await Promise.all([speaking.serverClosed(), frozen.serverClosed()]);
});

test('a step of the wall clock closes nobody', async () => {
  const options = {
    workerNum: 1,
    reactorNum: 1,
    spares: 0,
    heartbeatIdleTime: 60_000,
    heartbeatCheckInterval: 20,
    // A reactor thread loads what is preloaded only where it has functions of the user's.
    ...(isBase ? {} : { dispatchMode: 'function' as const, dispatchModule: fixture('dispatch').href }),
  };
  const preload = `--import ${fileURLToPath(fixture('stepped-clock'))}`;
  await using server = await startServer(options, { NODE_OPTIONS: preload }, 'fairness');
  const client = await TestClient.connect(server.lines);
  expect(await client.ask('before')).toMatch(/before$/);
  // Printed by every thread and process whose clock has been set.
  await server.program.printed(/^stepped in (a thread|worker)/m);
  await until(
    'some looks for idle clients',
    () => (server.program.output.match(/^stats/gm)?.length as number) > 60,
  );
  expect(await client.ask('after')).toMatch(/after$/);
  client.close();
});
