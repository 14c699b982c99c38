import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { canBeOthers, isRunning, OTHER_USER, TestClient, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { isBase } from '../support.js';
import { AdminServer, Events } from './admin-client.js';

/** How often the admin process is killed. */
const ROUNDS = 10;

describe('the admin interface', () => {
  test('tells what the server does, each answer as its OpenAPI document says', async () => {
    await using server = await AdminServer.started({ taskWorkerNum: 1 });
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => TestClient.connect(await server.port())),
    );
    for (const client of clients) expect(await client.ask('a')).toBe('a');
    const { body: status } = await server.get('/v1/status');
    expect(status).toMatchObject({ name: 'test', state: 'ready', pid: server.program.pid });
    expect(status.connections).toMatchObject({ open: 5, accepted: 5, limit: 10_000 });
    expect(status.messages).toMatchObject({
      received: 5,
      answered: 5,
      underWay: 0,
      bytesIn: 5,
      bytesOut: 10,
    });
    const { body } = await server.get('/v1/processes');
    expect(
      body.processes.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`),
    ).toEqual(
      ['master', 'manager', 'worker:0', 'worker:1', 'task-worker:0', 'admin'].map((name) => `${name} ready`),
    );
    for (const { pid, memory, uptimeMs, cpuMs } of body.processes) {
      expect(isRunning(pid)).toBe(true);
      expect(memory).toBeGreaterThan(10 << 20);
      expect(uptimeMs).toBeLessThan(600_000);
      expect(cpuMs).toBeGreaterThan(0);
    }
    const sum = (of: string) =>
      body.processes.reduce((all: number, one: Record<string, number | null>) => all + (one[of] ?? 0), 0);
    expect([sum('connections'), sum('messages')]).toEqual([5, 5]);
    const { body: listeners } = await server.get('/v1/listeners');
    expect(listeners.listeners).toMatchObject([
      { index: 0, host: '127.0.0.1', port: await server.port(), protocol: 'messages', connections: 5 },
    ]);
    const { text } = await server.get('/metrics');
    expect(text).toMatch(/^millrace_connections 5$/m);
    for (const client of clients) client.close();
  });

  test('tells of connections a page at a time', async () => {
    await using server = await AdminServer.started();
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => TestClient.connect(await server.port())),
    );
    for (const client of clients) await client.ask('a');
    const sessions: number[] = [];
    let after: number | null = 0;
    for (let pages = 0; after !== null; pages++) {
      expect(pages).toBeLessThan(3);
      const { body } = await server.get(`/v1/connections?after=${after}&limit=2`);
      expect(body.connections.length).toBeLessThanOrEqual(2);
      sessions.push(...body.connections.map(({ session }: { session: number }) => session));
      after = body.next;
    }
    expect(new Set(sessions).size).toBe(5);
    const { body } = await server.get('/v1/connections?listener=1');
    expect(body).toMatchObject({ open: 5, connections: [], next: null });
    for (const client of clients) client.close();
  });

  test('refuses what it does not know, in so many words', async () => {
    await using server = await AdminServer.started();
    for (const [path, asked, status, code] of [
      ['/v1/nothing', {}, 404, 'NO_ROUTE'],
      ['/v1/status', { method: 'POST' }, 405, 'METHOD'],
      ['/v1/connections?limit=x', {}, 400, 'QUERY'],
      ['/v1/connections?limit=1001', {}, 400, 'QUERY'],
      ['/v1/connections?nothing=1', {}, 400, 'QUERY'],
      ['/v1/reload', { method: 'POST', body: '{' }, 400, 'BODY'],
      ['/v1/reload', { method: 'POST', body: '{"task":true}' }, 400, 'BODY'],
      ['/v1/reload', { method: 'POST', body: '[]' }, 400, 'BODY'],
      ['/v1/scale', { method: 'POST', body: '[]' }, 400, 'BODY'],
      ['/v1/stop', { method: 'POST', body: '[]' }, 400, 'BODY'],
      ['/v1/reload', { method: 'POST', body: ' '.repeat(5_000) }, 413, 'TOO_LONG'],
      ['/v1/processes/worker:7/kill', { method: 'POST' }, 404, 'NO_PROCESS'],
      ['/v1/processes/%ff/kill', { method: 'POST' }, 400, 'URL'],
      ['/v1/processes/master/kill', { method: 'POST' }, 409, 'MASTER'],
      ['/v1/processes/worker:0/kill', { method: 'POST', body: '{"signal":"SIGSEGV"}' }, 400, 'BODY'],
    ] as const) {
      const got = await server.get(path, asked);
      expect([path, got.status, got.body.error.code]).toEqual([path, status, code]);
      expect(got.body.error.message).not.toBe('');
    }
    expect((await server.get('/v1/status')).body.processes.failures).toBe(0);
  });

  test('a reload tells of each process as it is replaced, and what became of it', async () => {
    await using server = await AdminServer.started();
    const before = [await server.process('worker:0'), await server.process('worker:1')];
    const { text } = await server.post('/v1/reload');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ type: 'started', processes: 2 });
    expect(lines.at(-1)).toEqual({ type: 'done', outcome: 'reloaded', replaced: 2, advice: null });
    const after = [await server.process('worker:0'), await server.process('worker:1')];
    expect(lines.filter(({ type }) => type === 'replaced')).toEqual(
      before.map(({ name, pid }, id) => ({
        type: 'replaced',
        process: name,
        pid: after[id].pid,
        previousPid: pid,
      })),
    );
    expect(after.map(({ restarts, failures }) => [restarts, failures])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  test('stops the server in order', async () => {
    await using server = await AdminServer.started();
    const { status, body } = await server.post('/v1/stop');
    expect([status, body]).toEqual([202, { pid: server.program.pid, maxWaitTimeMs: 3_000 }]);
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  });

  test('events tell of a killed process and the next one, and go on where a client has left off', async () => {
    await using server = await AdminServer.started();
    using first = new Events(server.socketPath);
    await first.next('the status', ({ event }) => event === 'status');
    const { body: killed } = await server.post('/v1/processes/worker:1/kill');
    expect(killed).toMatchObject({ process: 'worker:1', signal: 'SIGKILL' });
    const isNext = ({
      event,
      data,
    }: {
      event: string;
      data: { process?: string; pid?: number; state?: string };
    }) =>
      event === 'process' && data.process === 'worker:1' && data.state === 'ready' && data.pid !== killed.pid;
    const { data } = await first.next('the next one', isNext);
    expect(data).toMatchObject({ previousPid: killed.pid, lastFailure: 'SIGKILL' });
    const { id: last } = first.all.at(-1) ?? { id: '' };
    first[Symbol.dispose]();
    const { body: again } = await server.post('/v1/processes/worker:1/kill');
    await until('another one', async () => {
      const { pid, state } = await server.process('worker:1');
      return state === 'ready' && pid !== again.pid;
    });
    using second = new Events(server.socketPath, last);
    const missed = await second.next(
      'what was missed',
      ({ event, data: { pid } }) => event === 'process' && pid !== again.pid,
    );
    expect(missed.data.process).toBe('worker:1');
    expect(second.all.map(({ event }) => event)).not.toContain('resync');
    using stranger = new Events(server.socketPath, '00000000-5');
    await stranger.next('that it cannot go on', ({ event }) => event === 'resync');
  });

  test('a worker that is stopped or hangs stalls nothing here, and is named', async () => {
    await using server = await AdminServer.started();
    const client = await TestClient.connect(await server.port());
    await client.ask('a');
    const { body } = await server.get('/v1/processes');
    const { name, pid } = body.processes.find(
      ({ connections }: { connections: number }) => connections === 1,
    );
    await server.post(`/v1/processes/${name}/kill`, { signal: 'SIGSTOP' });
    expect(await server.until(name, 'stopped')).toMatchObject({ pid });
    expect((await server.get('/v1/status')).body.state).toBe('degraded');
    await server.post(`/v1/processes/${name}/kill`, { signal: 'SIGCONT' });
    await server.until(name, 'ready');
    client.send('hang\n');
    expect(await server.until(name, 'hanging')).toMatchObject({ pid });
    await server.post(`/v1/processes/${name}/kill`);
    await until('another one', async () => {
      const now = await server.process(name);
      return now.state === 'ready' && now.pid !== pid;
    });
    client.close();
  });

  test('a manager that is stopped stalls nothing here, and can be killed', async () => {
    await using server = await AdminServer.started();
    const { pid } = await server.process('manager');
    process.kill(pid, 'SIGSTOP');
    await server.until('manager', 'stopped');
    expect((await server.get('/v1/status')).body).toMatchObject({
      state: 'degraded',
      processes: { ready: 4 },
    });
    expect((await server.get('/health/ready')).status).toBe(200);
    await server.post('/v1/processes/manager/kill');
    await until('another one', async () => {
      const now = await server.process('manager');
      return now.state === 'ready' && now.pid !== pid && now.restarts === 1 && now.lastFailure === 'SIGKILL';
    });
    await server.until('worker:1', 'ready');
  });

  test('a master that is stopped stalls nothing here, and is not alive', async () => {
    await using server = await AdminServer.started();
    expect((await server.get('/health/live')).status).toBe(200);
    server.program.kill('SIGSTOP');
    await server.until('master', 'stopped');
    const { status, body } = await server.get('/health/live');
    expect([status, body]).toEqual([503, { state: 'gone' }]);
    server.program.kill('SIGCONT');
    await server.until('master', 'ready');
    expect((await server.get('/health/live')).status).toBe(200);
  });

  test.runIf(canBeOthers)('has the rights of the option user, and the socket is root’s', async () => {
    await using server = await AdminServer.started({ user: OTHER_USER, group: OTHER_USER });
    const { pid } = await server.process('admin');
    expect(statSync(`/proc/${pid}`).uid).toBe(OTHER_USER);
    expect(statSync(server.socketPath).uid).toBe(0);
    const killed = await server.post('/v1/processes/worker:0/kill');
    expect(killed.status).toBe(200);
    await until('another one', async () => {
      const now = await server.process('worker:0');
      return now.state === 'ready' && now.pid !== killed.body.pid;
    });
  });

  test('the probes tell starting, ready, degraded and draining apart', async () => {
    await using server = new AdminServer({ workerNum: 1 }, { GATED: '1' });
    const probe = async (path: string) => {
      const { status, body } = await server.get(path);
      return [status, body.state];
    };
    const [, pid] = await server.program.printed(/^event gate (\d+)/m);
    expect(await probe('/health/ready')).toEqual([503, 'starting']);
    expect(await probe('/health/live')).toEqual([200, 'starting']);
    process.kill(Number(pid), 'SIGCONT');
    const client = await TestClient.connect(await server.port());
    await until('ready', async () => (await probe('/health/ready')).join() === '200,ready');
    process.kill(Number(pid), 'SIGSTOP');
    await server.until('worker:0', 'stopped');
    expect(await probe('/health/ready')).toEqual([503, 'degraded']);
    process.kill(Number(pid), 'SIGCONT');
    await server.until('worker:0', 'ready');
    client.send('wait\n');
    await server.program.printed(/^event waits/m);
    await server.post('/v1/stop');
    await until('draining', async () => (await probe('/health/ready'))[1] === 'draining');
    expect(await probe('/health/ready')).toEqual([503, 'draining']);
    expect(await probe('/health/live')).toEqual([200, 'draining']);
    process.kill(Number(pid), 'SIGCONT');
    expect(await client.line()).toBe('wait');
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
    client.close();
  });

  test('that is killed again and again costs clients nothing, and who asks it meanwhile waits for the next', async () => {
    await using server = await AdminServer.started();
    const client = await TestClient.connect(await server.port());
    const pids = new Set<number>();
    // Each of them takes seconds to start on a machine that has no processor for it.
    for (let round = 0; round < ROUNDS; round++) {
      const { pid } = await server.process('admin');
      pids.add(pid);
      process.kill(pid, 'SIGKILL');
      await until('its end', () => !isRunning(pid));
      expect(await client.ask(`${round}`)).toBe(`${round}`);
      expect((await within('the next one', server.get('/v1/status'))).body.processes.failures).toBe(0);
      // One that is killed as soon as it is there would be waited for.
      const since = performance.now();
      await until('it to be some time old', () => performance.now() - since > 120);
    }
    expect(pids.size).toBe(ROUNDS);
    client.close();
  });

  test('clients that ask nothing are closed, and cost others nothing', async () => {
    await using server = await AdminServer.started();
    const silent = Array.from({ length: 100 }, () => connect(server.socketPath).on('error', () => {}));
    const ends = silent.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of silent) socket.resume();
    const client = await TestClient.connect(await server.port());
    expect(await client.ask('a')).toBe('a');
    // Those beyond the limit at once, the others when they have had their time to ask something.
    await within('the end of all of them', Promise.all(ends));
    expect((await server.get('/v1/status')).status).toBe(200);
    client.close();
  });
});

test.runIf(isBase)('in base mode each worker has its own connections', async () => {
  await using server = await AdminServer.started();
  const client = await TestClient.connect(await server.port());
  await client.ask('a');
  const { body } = await server.get('/v1/connections');
  expect(body.connections).toHaveLength(1);
  client.close();
});
