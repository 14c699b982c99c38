import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { AdminServer, Events, type ServerSentEvent } from './admin-client.js';

interface Line {
  readonly level: string;
  readonly role: string;
  readonly id?: number;
  readonly pid: number;
  readonly msg: string;
}

/** The lines that are there by now. */
async function lines(server: AdminServer, query = ''): Promise<Line[]> {
  const { status, text } = await server.get(`/v1/logs?follow=false&lines=10000${query}`);
  expect(status).toBe(200);
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => JSON.parse(line as string) as Line);
}

async function started(options: Partial<ServerOptions> = {}) {
  const server = await AdminServer.started(options, {}, 'log');
  const client = await TestClient.connect(await server.port());
  return {
    server,
    client,
    /** Has every process write that many lines. */
    say: (count: number, bytes = 10) => client.ask(`say log ${count} ${bytes}`),
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

interface Counted {
  readonly got: number;
  readonly lost: number;
  readonly sum: number;
}

/** Whether it is the line of the manager that ends so: what each process writes is there once for each. */
const isOfManager =
  (end: string) =>
  ({ event, data }: ServerSentEvent) =>
    event === 'log' && (data as Line).role === 'manager' && (data as Line).msg === `0 ${end}`;
const isFirst = isOfManager('x');
const isLast = isOfManager('xx');

describe('the log over the admin interface', () => {
  test('has the lines of every process, each with its origin, in the order of each', async () => {
    await using running = await started();
    const pids = (await running.say(50)).split(' ').map(Number);
    const all = (await lines(running.server)).filter(({ msg }) => msg.endsWith(' xxxxxxxxxx'));
    const by = new Map(pids.map((pid) => [pid, all.filter((line) => line.pid === pid)]));
    const origins = pids.map((pid) => {
      const { role, id } = by.get(pid)?.[0] ?? {};
      return id === undefined ? role : `${role}:${id}`;
    });
    expect(origins).toEqual(['master', 'manager', 'worker:0', 'task-worker:0', 'user-process:0']);
    for (const own of by.values())
      expect(own.map(({ msg }) => Number.parseInt(msg, 10))).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test('is asked for one process, one role, or from one level on', async () => {
    await using running = await started();
    await running.say(2);
    const { server } = running;
    expect(new Set((await lines(server, '&process=worker:0')).map(({ role }) => role))).toEqual(
      new Set(['worker']),
    );
    expect(new Set((await lines(server, '&process=manager')).map(({ role }) => role))).toEqual(
      new Set(['manager']),
    );
    for (const name of ['worker:70', 'nope', 'task-workers', '../x']) {
      const { status, body } = await server.get(`/v1/logs?process=${name}`);
      expect([status, body.error.message]).toEqual([
        404,
        expect.stringMatching(/^There is no process '.*'; there are: master, manager, worker:0/),
      ]);
    }
    await server.post('/v1/processes/worker:0/kill');
    await until('the line of that', async () => {
      const [last, ...others] = (await lines(server, '&level=warn')).filter(({ role }) => role === 'manager');
      return last?.msg.startsWith('abnormal exit: worker 0 ended by SIGKILL') && others.length === 0;
    });
    expect((await server.get('/v1/logs?level=loud')).status).toBe(400);
  });

  test('goes on as it comes, behind the last line that a client has got, also after the admin process was killed', async () => {
    await using running = await started();
    const { server } = running;
    const query = '/v1/logs?process=worker&lines=0';
    using first = new Events(server.socketPath, undefined, query);
    await first.opened();
    await running.say(3);
    await first.next('the third', ({ data }) => data.msg?.startsWith('2 '));
    expect(first.all.map(({ data }) => Number.parseInt(data.msg, 10))).toEqual([0, 1, 2]);
    const last = first.all.at(-1)?.id;
    first[Symbol.dispose]();
    const { pid } = await server.process('admin');
    process.kill(pid, 'SIGKILL');
    await running.say(5);
    await until('another admin process', async () => {
      const now = await server.process('admin').catch(() => undefined);
      return now !== undefined && now.pid !== pid;
    });
    using second = new Events(server.socketPath, last, query);
    await second.next('the fifth', ({ data }) => data.msg?.startsWith('4 '));
    expect(second.all.map(({ data }) => Number.parseInt(data.msg, 10))).toEqual([0, 1, 2, 3, 4]);
  });

  test('is there while the manager is stopped and a worker hangs', async () => {
    await using running = await started();
    const { server, client } = running;
    await running.say(1);
    const { pid } = await server.process('manager');
    client.send('hang\n');
    process.kill(pid, 'SIGSTOP');
    await server.until('manager', 'stopped');
    expect((await lines(server, '&process=worker')).map(({ msg }) => msg)).toEqual(['0 xxxxxxxxxx']);
    process.kill(pid, 'SIGCONT');
  });

  test('costs a client that does not read lines, exactly as many as it is told, and nobody else', async () => {
    await using running = await started({ logFile: '/dev/null' });
    const { server } = running;
    // Two clients, of which one reads: what one has got or been told of is as much as it is for the other.
    using reading = new Events(server.socketPath, undefined, '/v1/logs?lines=0');
    using paused = new Events(server.socketPath, undefined, '/v1/logs?lines=0');
    for (const one of [reading, paused]) await one.opened();
    await running.say(1, 1);
    for (const one of [reading, paused]) await one.next('the first line', isFirst);
    paused.pause();
    const rounds = 12;
    const each = 1_000;
    for (let round = 0; round < rounds; round++) await running.say(each, 400);
    await running.say(1, 2);
    await reading.next('the last line', isLast);
    paused.resume();
    await paused.next('the last line', isLast);
    const counted = [reading, paused].map(({ all }) => {
      const between = all.slice(all.findIndex(isFirst), all.findIndex(isLast));
      const got = between.filter(({ event }) => event === 'log').length;
      const lost = between
        .filter(({ event }) => event === 'lost')
        .reduce((sum, { data }) => sum + data.lines, 0);
      return { got, lost, sum: got + lost };
    }) as [Counted, Counted];
    expect(counted[1].lost).toBeGreaterThan(0);
    expect(counted[1].sum).toBe(counted[0].sum);
    // Of each of the five processes.
    expect(counted[0].sum).toBeGreaterThanOrEqual(rounds * each * 5);
  });
});
