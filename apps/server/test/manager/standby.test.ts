import { echoLoad, isRunning, TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { pidOf, type RunningServer, startServer } from '../support.js';

const WORKER = 'millrace: worker 0';
const STANDBY = 'millrace: worker 0, standby';

const start = (more = {}) =>
  startServer({ standby: true, taskWorkerNum: 0, tasks: undefined, ...more } as object, {}, 'life');

async function standbyOf(server: RunningServer, ...before: readonly number[]): Promise<number> {
  const present = () => pidOf(server, STANDBY);
  await until('a standby', () => present() !== undefined && !before.includes(present() as number));
  return present() as number;
}

test.each(['process', 'base'] as const)(
  'in %s mode the standby of a worker takes its place when that is killed, and runs workerStart then',
  async (mode) => {
    await using server = await start({ mode });
    const standby = await standbyOf(server);
    const began = `event workerStart 0 pid ${standby}`;
    expect(server.program.output).not.toContain(began);
    process.kill(pidOf(server, WORKER) as number, 'SIGKILL');
    await until('its workerStart', () => server.program.output.includes(began));
    await until('its title', () => pidOf(server, WORKER) === standby);
    // And another waits for the end of that one.
    await standbyOf(server, standby);
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('pid')).toMatch(/^\d+ [01] /);
    client.close();
  },
);

test('under load, standbys that take the place of killed workers find all but the message that each had in hand', async () => {
  const kills = 6;
  await using server = await start();
  const result = await echoLoad(
    { port: server.lines, connections: 50, depth: 4, lostAfter: 20_000 },
    async () => {
      let before: number[] = [];
      for (let i = 0; i < kills; i++) {
        const standby = await standbyOf(server, ...before);
        before = [standby];
        process.kill(pidOf(server, WORKER) as number, 'SIGKILL');
        await until('its workerStart', () =>
          server.program.output.includes(`event workerStart 0 pid ${standby}`),
        );
        await until('its title', () => pidOf(server, WORKER) === standby);
      }
    },
  );
  // Also: none was answered twice, or in another order.
  expect(result).toMatchObject({ wrong: [], closed: 0 });
  expect(result.lost).toBeLessThanOrEqual(kills);
  expect(result.answered).toBeGreaterThan(1_000);
});

test('the end of a killed worker is said before that another has its place, whichever is known first', async () => {
  await using server = await start({ logLevel: 'info' });
  const standby = await standbyOf(server);
  process.kill(pidOf(server, WORKER) as number, 'SIGKILL');
  const replaced = /worker 0 has been replaced/;
  await server.program.printed(replaced);
  const { output } = server.program;
  expect(output.slice(0, output.search(replaced))).toMatch(/worker 0[^\n]*SIGKILL/);
  await until('its title', () => pidOf(server, WORKER) === standby);
});

test('a standby that is killed is replaced, and its worker goes on', async () => {
  await using server = await start();
  const standby = await standbyOf(server);
  const worker = pidOf(server, WORKER);
  process.kill(standby, 'SIGKILL');
  await standbyOf(server, standby);
  expect(pidOf(server, WORKER)).toBe(worker);
});

test('SIGTERM to a standby alone ends it and nothing else, and another comes', async () => {
  await using server = await start();
  const standby = await standbyOf(server);
  const worker = pidOf(server, WORKER);
  process.kill(standby, 'SIGTERM');
  await standbyOf(server, standby);
  expect(pidOf(server, WORKER)).toBe(worker);
  expect(server.program.output).not.toMatch(/shutting down/);
});

test('a reload leaves no standby that has loaded the program as it was', async () => {
  await using server = await start();
  const standby = await standbyOf(server);
  const worker = pidOf(server, WORKER) as number;
  server.program.kill('SIGUSR1');
  await until('another worker', () => ![undefined, worker].includes(pidOf(server, WORKER)));
  await standbyOf(server, standby);
  expect(pidOf(server, WORKER)).not.toBe(standby);
});

test('a server with standbys ends in order, and none is left', async () => {
  await using server = await start();
  await standbyOf(server);
  const pids = server.program.children().map(({ pid }) => pid);
  server.program.kill('SIGTERM');
  expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  await until('the end of all', () => !pids.some(isRunning));
  expect(server.program.output).not.toMatch(/force kill|abnormal exit/);
});
