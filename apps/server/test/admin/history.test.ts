import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AdminServer, ask } from './admin-client.js';

describe('the history of a server', () => {
  test('tells what was before it was asked for, of the server and of each process', async () => {
    await using server = await AdminServer.started();
    const client = await TestClient.connect(await server.port());
    expect(await client.ask('a')).toBe('a');
    const history = await until('a sample with the client', async () => {
      const { body } = await server.get('/v1/history');
      return body.series.received.at(-1) === 1 && body;
    });
    const { at, series } = history;
    expect(at).toEqual([...at].sort((a: number, b: number) => a - b));
    for (const values of Object.values(series)) expect(values).toHaveLength(at.length);
    expect([series.connections.at(-1), series.bytesIn.at(-1), series.restarts.at(-1)]).toEqual([1, 1, 0]);
    expect(series.memory.at(-1)).toBeGreaterThan(50 << 20);
    const { body: status } = await server.get('/v1/processes/worker%200/history');
    expect(status.series.memory.at(-1)).toBeGreaterThan(10 << 20);
    // Tasks are nothing of a worker's: unknown, and not zero.
    expect(status.series.tasksRunning.at(-1)).toBeNull();
    const { status: none, body } = await server.get('/v1/processes/worker:9/history');
    expect([none, body.error.code]).toEqual([404, 'NO_PROCESS']);
    client.close();
  });

  test('begins anew with the next admin process, and keeps nobody from that', async () => {
    await using server = await AdminServer.started();
    const { body: before } = await server.get('/v1/history');
    process.kill((await server.process('admin')).pid, 'SIGKILL');
    const after = await until('an answer of the next admin process', async () => {
      // A connection that the killed one had accepted is reset.
      const got = await server.get('/v1/history').catch(() => undefined);
      return got?.body;
    });
    expect(after.at[0]).toBeGreaterThan(before.at[0]);
  });

  test('events tell of all processes and listeners with each status, to who asks for that', async () => {
    await using server = await AdminServer.started();
    const { body } = await ask({ socketPath: server.socketPath }, '/v1/events?with=all');
    expect(body.error.code).toBe('QUERY');
    using events = server.events('?with=processes,listeners');
    const { data } = await events.next('the processes', ({ event }) => event === 'processes');
    expect(data.processes).toHaveLength((await server.get('/v1/processes')).body.processes.length);
    const { data: listening } = await events.next('the listeners', ({ event }) => event === 'listeners');
    expect(listening.listeners).toMatchObject([{ port: await server.port(), connections: 0 }]);
    using plain = server.events('');
    await until('two statuses', () => plain.all.filter(({ event }) => event === 'status').length >= 2);
    expect(plain.all.map(({ event }) => event)).not.toContain('processes');
  });
});
