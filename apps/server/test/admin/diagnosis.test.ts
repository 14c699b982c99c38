import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { canBeOthers, OTHER_USER, TestClient, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AdminServer } from './admin-client.js';

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
}

const functionsOf = ({ nodes }: Profile) => nodes.map(({ callFrame }) => callFrame.functionName);

/** A worker whose loop does not turn any more. */
async function hanging(server: AdminServer, name = 'worker:0'): Promise<{ pid: number }> {
  const clients = await Promise.all(
    Array.from({ length: 2 }, async () => TestClient.connect(await server.port())),
  );
  // Connections go to the workers in turn.
  for (const client of clients) client.send('hang\n');
  return server.until(name, 'hanging');
}

/** Ports that a process listens on, but for those of the server. */
async function portsOf(server: AdminServer, pid: number): Promise<number[]> {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  const LISTENS = '0A';
  const ports = readFileSync('/proc/net/tcp', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENS && sockets.includes(`socket:[${inode}]`))
    .map(([, address = '']) => Number.parseInt(address.split(':')[1] as string, 16));
  const own = await server.port();
  return ports.filter((port) => port !== own);
}

/** The first line of what a port answers. */
async function firstLine(port: number, path: string, headers = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
  const [data] = (await within('an answer', once(socket, 'data'))) as [Buffer];
  socket.destroy();
  return data.toString('latin1').split('\r\n')[0] as string;
}

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';

/** The answer to a client that asks for a long profile, once that has begun. */
async function begun({ socketPath }: AdminServer, path: string): Promise<IncomingMessage> {
  const asked = request({ socketPath, path, method: 'POST', agent: false });
  asked.on('error', () => {}).end(JSON.stringify({ seconds: 300 }));
  const [response] = (await within('the beginning', once(asked, 'response'))) as [IncomingMessage];
  return response;
}

describe('a profile', () => {
  test.each(['worker:0', 'task-worker:0', 'manager', 'master'])(
    'of the CPU of %s is taken while it runs, and the file is what developer tools load',
    async (name) => {
      await using server = await AdminServer.started({ taskWorkerNum: 1 });
      const { pid } = await server.process(name);
      const { status, body, headers } = await server.post(`/v1/processes/${name}/profile`, { seconds: 0.2 });
      expect([name, status]).toEqual([name, 200]);
      expect(headers['content-disposition']).toBe(
        `attachment; filename="${name.replace(':', '-')}-${pid}.cpuprofile"`,
      );
      expect(body.samples.length).toBeGreaterThan(10);
      expect(functionsOf(body)).toContain('(root)');
      expect((await server.process(name)).pid).toBe(pid);
    },
  );

  test('of a worker whose loop hangs names the function that it hangs in, and leaves no debugger open', async () => {
    await using server = await AdminServer.started();
    const { pid } = await hanging(server);
    for (let time = 0; time < 2; time++) {
      const { status, body } = await server.post('/v1/processes/worker:0/profile', { seconds: 0.3 });
      expect(status).toBe(200);
      expect(body.interruptedAt.map(([innermost]: string[]) => innermost)).toEqual(
        Array.from({ length: 2 }, () => expect.stringMatching(/^spin \(.*\/admin\.[jt]s:\d+:\d+\)$/)),
      );
      expect(body.samples.length).toBeGreaterThan(10);
    }
    expect(await portsOf(server, pid)).toEqual([]);
    expect((await server.process('worker:0')).state).toBe('hanging');
  });

  test('of the heap is a snapshot, of a worker that hangs as well', async () => {
    await using server = await AdminServer.started();
    for (const make of [() => server.process('worker:0'), () => hanging(server)]) {
      await make();
      const { status, body, headers } = await server.post('/v1/processes/worker:0/profile', { kind: 'heap' });
      expect(status).toBe(200);
      expect(headers['content-disposition']).toMatch(/\.heapsnapshot"$/);
      expect(body.snapshot.node_count).toBeGreaterThan(1_000);
      expect(body.strings.length).toBeGreaterThan(1_000);
    }
  });

  test('goes on with nothing when its client has gone, and the next client gets its own', async () => {
    await using server = await AdminServer.started();
    const path = '/v1/processes/worker:0/profile';
    const response = await begun(server, path);
    const busy = await server.post('/v1/processes/worker:1/profile', { seconds: 0.1 });
    expect([busy.status, busy.body.error.code]).toEqual([409, 'BUSY']);
    response.destroy();
    await until('the end of it', async () => {
      const { status } = await server.post(path, { seconds: 0.1 });
      return status === 200;
    });
  });

  test('of a process that is not there, is stopped or ends meanwhile is refused, or broken off', async () => {
    await using server = await AdminServer.started();
    const profile = (name: string, body: object) => server.post(`/v1/processes/${name}/profile`, body);
    expect((await profile('worker:7', {})).status).toBe(404);
    expect((await profile('admin', {})).body.error.code).toBe('ADMIN');
    expect((await profile('worker:0', { seconds: 301 })).status).toBe(400);
    const { pid } = await server.process('worker:0');
    process.kill(pid, 'SIGSTOP');
    await server.until('worker:0', 'stopped');
    const stopped = await profile('worker:0', {});
    expect([stopped.status, stopped.body.error.code]).toEqual([409, 'STOPPED']);
    process.kill(pid, 'SIGCONT');
    await server.until('worker:0', 'ready');
    const response = await begun(server, '/v1/processes/worker:0/profile');
    process.kill(pid, 'SIGKILL');
    // The client is not kept until the end of the time that it has asked for.
    await within('the end', once(response.resume(), 'error'));
    await server.until('worker:0', 'ready');
    expect((await profile('worker:0', { seconds: 0.1 })).status).toBe(200);
  });
});

describe('the debugger', () => {
  test('of a worker opens on a port of the loopback address that only its address opens, and is closed again', async () => {
    await using server = await AdminServer.started();
    const opened = async (name: string) => {
      const { status, body } = await server.post(`/v1/processes/${name}/inspect`);
      expect(status).toBe(200);
      const { protocol, hostname, port, pathname } = new URL(body.url);
      expect([protocol, hostname]).toEqual(['ws:', '127.0.0.1']);
      // Nobody is told the address by the port itself.
      expect(await firstLine(Number(port), '/json/list')).toMatch(/^HTTP\/1\.\d 404 /);
      expect(await firstLine(Number(port), '/00000000-0000-4000-8000-000000000000', UPGRADE)).toContain(
        '400',
      );
      expect(await firstLine(Number(port), pathname, UPGRADE)).toContain('101');
      expect((await server.post(`/v1/processes/${name}/inspect`)).body.url).toBe(body.url);
    };
    await opened('worker:0');
    const closed = await server.post('/v1/processes/worker:0/inspect', { close: true });
    expect(closed.body.url).toBeNull();
    expect(await portsOf(server, (await server.process('worker:0')).pid)).toEqual([]);
    await hanging(server);
    await opened('worker:0');
  });

  test('is opened by nobody else: SIGURG and SIGUSR1 to a worker are of no effect', async () => {
    await using server = await AdminServer.started();
    const { pid } = await server.process('worker:0');
    for (const signal of ['SIGUSR1', 'SIGURG'] as const) process.kill(pid, signal);
    const client = await TestClient.connect(await server.port());
    expect(await client.ask('a')).toBe('a');
    await until('no debugger is open', async () => (await portsOf(server, pid)).length === 0);
    client.close();
  });
});

test('a worker that is late, not hung, is interrupted for nothing: its debugger does not stay open', async () => {
  await using server = await AdminServer.started();
  const { pid } = await server.process('worker:0');
  const client = await TestClient.connect(await server.port());
  const other = await TestClient.connect(await server.port());
  for (let time = 0; time < 3; time++) {
    // Longer than it takes to interrupt a loop: the message is read in the next turn, whichever comes first.
    for (const one of [client, other]) one.send('late\n');
    expect((await server.post('/v1/processes/worker:0/profile', { seconds: 0.1 })).status).toBe(200);
  }
  // Node opens it once more in the loop's next turn, for a moment.
  await until('its debugger is closed', async () => (await portsOf(server, pid)).length === 0);
  for (const one of [client, other]) one.close();
});

test.runIf(canBeOthers)('a server whose workers are of another user is looked into as well', async () => {
  await using server = await AdminServer.started({ user: OTHER_USER, group: OTHER_USER }, {}, 'admin');
  for (const name of ['worker:0', 'manager', 'master'])
    expect([name, (await server.post(`/v1/processes/${name}/profile`, { seconds: 0.1 })).status]).toEqual([
      name,
      200,
    ]);
  await hanging(server);
  expect((await server.post('/v1/processes/worker:0/profile', { seconds: 0.1 })).status).toBe(200);
});
