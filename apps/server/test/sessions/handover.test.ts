import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { echoLoad, TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ServerStats } from '../../src/index.js';
import { events, reload, warnings } from '../reloading.js';
import { startServer } from '../support.js';

/** Stops a process, and waits until each of its threads has stopped. */
async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const isStopped = (thread: string) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  };
  await until(`process ${pid} to stop`, () => readdirSync(`/proc/${pid}/task`).every(isStopped));
}

test('a large message that a leaving worker has begun is taken to its end by it, and the one behind it by the next', async () => {
  // As long as the next worker takes to start, and the test.
  const options = { workerNum: 2, ringSize: 16_384, maxWaitTime: 60_000 };
  await using server = await startServer(options, { TURNS: '1' }, 'life');
  const { program } = server;
  const clients = await Promise.all([1, 2, 3].map(() => TestClient.connect(server.lines)));
  const pids = await Promise.all(
    clients.map(async (client) => Number((await client.ask('pid')).split(' ')[0])),
  );
  const [client, pid] = [clients[0] as TestClient, pids[0] as number];
  const other = clients[pids.findIndex((one) => one !== pid)] as TestClient;
  const large = `digest ${randomBytes(450_000).toString('hex')}`;
  // Stopped, the worker leaves the beginning of the message where it is ...
  await stop(pid);
  client.send(`${large}\npid\n`);
  await until('the message to be dispatched', async () => {
    const { totalRecvBytes } = JSON.parse(await other.ask('stats')) as ServerStats;
    return totalRecvBytes > large.length;
  });
  expect(await other.ask('version')).toBe('none');
  // ... and with the master stopped in turn, the rest does not follow when the worker goes on.
  await stop(program.pid);
  process.kill(pid, 'SIGCONT');
  const turns = new RegExp(`^event turn ${pid}$`, 'gm');
  const before = program.count(turns);
  await until('turns of the worker', () => program.count(turns) > before + 5);
  process.kill(pid, 'SIGUSR2');
  await until('the next worker', () => events(server, 'workerStart').length === 3);
  const later = program.count(turns);
  await until('more turns of the worker', () => program.count(turns) > later + 5);
  expect(events(server, 'workerStop')).toEqual([]);
  program.kill('SIGCONT');
  expect(await client.line()).toBe(`${createHash('sha1').update(large).digest('hex')} by ${pid}`);
  const [next] = (await client.line()).split(' ');
  expect(Number(next)).not.toBe(pid);
  await until('the end of the worker', () => events(server, 'workerStop').length === 1);
  expect(warnings(server)).toEqual([]);
  for (const one of clients) one.close();
});

const FULL = process.env.MILLRACE_STRESS === '1';
const reloads = FULL ? 100 : 3;
test(`${reloads} reloads under load fail no request and close no connection`, async () => {
  await using server = await startServer({ workerNum: 2, taskWorkerNum: 1 }, {}, 'life');
  const times: number[] = [];
  // The full load takes every processor, and the reload waits for it.
  const load = { port: server.lines, connections: 200, lostAfter: 30_000, pause: FULL ? 0 : 50 };
  const result = await echoLoad(load, async () => {
    for (let i = 0; i < reloads; i++) {
      const begun = performance.now();
      expect(await reload(server, 'SIGUSR1')).toMatchObject({ outcome: 'reloaded' });
      times.push(performance.now() - begun);
    }
  });
  expect(result).toMatchObject({ wrong: [], lost: 0, closed: 0 });
  expect(result.answered).toBeGreaterThan(reloads * 200);
  expect(warnings(server)).toEqual([]);
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1] as number;
  console.log(
    `${reloads} reloads: median ${median.toFixed(0)} ms, longest ${times.at(-1)?.toFixed(0)} ms; ` +
      `${result.answered} requests, slowest p99 ${result.p99.toFixed(1)} ms, longest ${result.slowest.toFixed(1)} ms`,
  );
}, 600_000);
