/** What a process finds that takes over from another. */
import { readdirSync, readFileSync } from 'node:fs';
import { type TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { reload } from '../reloading.js';
import {
  clientOf,
  isBase,
  type RunningServer,
  startServer,
  testOfLastingClients,
  Visitor,
} from '../support.js';

/** The events of a session's life, as any worker has seen it. */
const lifeOf = ({ program }: RunningServer, session: string) =>
  [...program.output.matchAll(new RegExp(`^event (connect|close) ${session} at (\\d+) ?(.*)$`, 'gm'))].map(
    ([, event, pid, rest]) => [event, Number(pid), rest] as const,
  );

/** So that no worker is asked for its last answers. */
const breakOff = ({ socket }: TestClient) => void socket.resetAndDestroy();

/** Waits until the reactor thread has noticed the end of a session; `client` is another worker's. */
const isOver = (session: string, client: TestClient) =>
  until('the end of the session', async () => (await client.ask(`exists ${session}`)) === 'false');

test('a client that goes while a worker takes over from another is told of once', async () => {
  await using server = await startServer({ maxWaitTime: 60_000 }, {}, 'lingering');
  const { program, lines } = server;
  const [idle, busy, other] = [
    await clientOf(lines, 0),
    await clientOf(lines, 0),
    await clientOf(lines, 1),
  ] as const;
  const [pid] = (await idle.ask('pid')).split(' ').map(Number) as [number];
  const session = await idle.ask('id');
  busy.send('gate\n');
  const [, taskWorker] = await program.printed(/^event gate (\d+)$/m);
  // It reads nothing from now on, and waits for its handler.
  process.kill(pid, 'SIGTERM');
  const next = await until('the next worker', () =>
    [...program.output.matchAll(/^event workerStart 0 pid (\d+)$/gm)]
      .map(([, started]) => Number(started))
      .find((started) => started !== pid),
  );
  breakOff(idle);
  await isOver(session, other);
  process.kill(Number(taskWorker), 'SIGCONT');
  expect(await busy.line()).toBe('done');
  const end = await until('the close', () => lifeOf(server, session).find(([event]) => event === 'close'));
  // In base mode its client is still its own.
  expect(end).toEqual(['close', isBase ? pid : next, 'peer false true 127.0.0.1']);
  await (await clientOf(lines, 0)).ask('pid');
  expect(lifeOf(server, session)).toEqual([['connect', pid, ''], end]);
  for (const client of [busy, other]) client.close();
});

testOfLastingClients(
  'a client that went while nobody read is told of by the replacement of a dead worker',
  async () => {
    await using server = await startServer({}, {}, 'lingering');
    const { lines } = server;
    const [idle, other] = [await clientOf(lines, 0), await clientOf(lines, 1)] as const;
    const [pid] = (await idle.ask('pid')).split(' ').map(Number) as [number];
    const session = await idle.ask('id');
    process.kill(pid, 'SIGSTOP');
    const isStopped = (thread: string) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    };
    await until('the worker to stop', () => readdirSync(`/proc/${pid}/task`).every(isStopped));
    breakOff(idle);
    await isOver(session, other);
    process.kill(pid, 'SIGKILL');
    const next = await clientOf(lines, 0);
    const [own] = (await next.ask('pid')).split(' ').map(Number) as [number];
    const closed = ['close', own, 'peer false true 127.0.0.1'] as const;
    await until('the close', () => lifeOf(server, session).length > 1);
    expect(lifeOf(server, session)).toEqual([['connect', pid, ''], closed]);
    for (const client of [next, other]) client.close();
  },
);

/** What `drained` has said in `workerStart` where there were clients: worker, and outcome. */
const drainedIn = ({ program }: RunningServer) =>
  [...program.output.matchAll(/^event drained at (\d+) (\w+)$/gm)].map(([, id, said]) => `${id} ${said}`);

test('a process that waits in workerStart for room in a session is told that it cannot, and starts', async () => {
  await using server = await startServer({}, { GREET: '1' }, 'lingering');
  const client = await Visitor.connect(server.lines);
  expect(await client.ask('drained')).toBe('true');
  for (let i = 1; i <= 2; i++) {
    expect(await reload(server, 'SIGUSR1')).toEqual({ outcome: 'reloaded', replaced: 3 });
    // In base mode its worker may be replaced before the others, and its client goes.
    const said = drainedIn(server);
    expect(said.filter((line) => !line.endsWith(' ERR_MILLRACE_NOT_RUNNING'))).toEqual([]);
    if (!isBase) expect(said).toHaveLength(3 * i);
  }
  expect(drainedIn(server)).not.toEqual([]);
  client.close();
});

testOfLastingClients(
  'the replacement of a dead worker is told so, too, and what it has sent goes out',
  async () => {
    await using server = await startServer({}, { GREET: '1' }, 'lingering');
    const client = await clientOf(server.lines, 0);
    const [pid] = (await client.ask('pid')).split(' ');
    process.kill(Number(pid), 'SIGKILL');
    await until('its workerStart', () => drainedIn(server).length > 0);
    expect(drainedIn(server)).toEqual(['0 ERR_MILLRACE_NOT_RUNNING']);
    expect(await client.line()).toMatch(/^greetings of \d+$/);
    expect(await client.ask('drained')).toBe('true');
    client.close();
  },
);
