import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, isRunning, TestClient, until } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerStats } from '../../src/index.js';
import { fixture, pidOf, type RunningServer, startServer } from '../support.js';

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const SMUGGLED = get('/evil');

async function connect(server: RunningServer): Promise<TestClient> {
  const client = await TestClient.connect(server.lines);
  onTestFinished(() => client.close());
  return client;
}

/** On a busy machine the next worker takes more than the usual maxWaitTime, behind which requests are answered 503. */
const start = (options = {}, env = {}) => startServer({ maxWaitTime: 60_000, ...options }, env, 'dying');
const workerOf = (server: RunningServer) => pidOf(server, 'millrace: worker 0');

/** Waits for `count` whole answers. */
async function answers(client: TestClient, count: number): Promise<string[]> {
  await until(`${count} answers, of ${client.received}`, () => answersIn(client).length >= count);
  return answersIn(client);
}

/** The whole answers that a client has got, head and body; what is left over is one more. */
function answersIn({ received }: TestClient): string[] {
  const found: string[] = [];
  let text = received.toString('latin1');
  while (text !== '') {
    const [, length = '0'] = /^content-length: (\d+)\r$/im.exec(text) ?? [];
    const [, chunked] = /^transfer-encoding: (chunked)\r$/im.exec(text) ?? [];
    const head = text.indexOf('\r\n\r\n') + 4;
    const end = chunked ? text.indexOf('0\r\n\r\n', head) + 5 : head + Number(length);
    if (head < 4 || (chunked && end < 5) || end > text.length) break;
    found.push(text.slice(0, end));
    text = text.slice(end);
  }
  return text === '' ? found : [...found, text];
}

const statuses = (client: TestClient) => answersIn(client).map((answer) => answer.slice(9, 12));

/** Kills the worker, and waits until another one is there. */
async function kill(server: RunningServer): Promise<void> {
  const pid = workerOf(server) as number;
  process.kill(pid, 'SIGKILL');
  await until('the next worker', () => {
    const now = workerOf(server);
    return now !== undefined && now !== pid && !isRunning(pid);
  });
}

async function stats({ program }: RunningServer): Promise<ServerStats> {
  const before = program.output.length;
  process.kill(program.pid as number, 'SIGUSR2');
  const line = await until('the statistics', () => /^stats (.*)$/m.exec(program.output.slice(before))?.[1]);
  return JSON.parse(line) as ServerStats;
}

/** The connection is over, and how: by an end, or broken off. */
async function ended(client: TestClient): Promise<'end' | 'reset'> {
  let broken = false;
  client.socket.on('error', () => {
    broken = true;
  });
  await client.serverClosed();
  return broken || (client.ended && !client.socket.readableEnded) ? 'reset' : 'end';
}

describe('at the death of a worker', () => {
  test('a client between two requests notices nothing', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/pid'));
    const [before] = await answers(client, 1);
    await kill(server);
    client.send(get('/pid'));
    const [, after] = await answers(client, 2);
    expect(statuses(client)).toEqual(['200', '200']);
    expect(after?.split('\r\n\r\n')[1]).not.toBe(before?.split('\r\n\r\n')[1]);
    expect(await stats(server)).toMatchObject({ badGatewayCount: 0, deathResetCount: 0, deathCloseCount: 0 });
  });

  test('a request that it had not read is answered by the next one', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/pid'));
    await answers(client, 1);
    process.kill(workerOf(server) as number, 'SIGSTOP');
    client.send(get('/pid'));
    client.send('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123');
    await kill(server);
    client.send(`456789${get('/pid')}`);
    await answers(client, 4);
    expect(statuses(client)).toEqual(['200', '200', '200', '200']);
    expect(answersIn(client)[2]).toMatch(/10\n/);
  });

  test('a request in hand is answered 502 behind the answers that were whole, and the connection closed in stages', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/pid') + get('/pid') + get('/hang', 'X-Name: third\r\n') + get('/pid'));
    await server.program.printed(/^hang third has begun$/m);
    await answers(client, 2);
    await kill(server);
    expect(await ended(client)).toBe('end');
    expect(statuses(client)).toEqual(['200', '200', '502']);
    expect(answersIn(client)[2]).toMatch(/^connection: close\r$/im);
    // It is not reset for what it still sends.
    client.send('x'.repeat(100_000));
    client.finish();
    await until('the end of the connection', () => client.ended);
    expect(await stats(server)).toMatchObject({ badGatewayCount: 1 });
    expect(server.program.output.match(/Worker 0 died: 1 requests in hand were answered 502/g)).toHaveLength(
      1,
    );
  });

  test('what its client had asked for behind a request that is answered 502 is asked of no program', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/hang', 'X-Name: first\r\n'));
    await server.program.printed(/^hang first has begun$/m);
    process.kill(workerOf(server) as number, 'SIGSTOP');
    client.send(SMUGGLED);
    // The same reactor thread sends that behind it, and has it answered by the next worker.
    const other = await connect(server);
    other.send(get('/pid'));
    await kill(server);
    await answers(other, 1);
    expect(await ended(client)).toBe('end');
    expect(statuses(client)).toEqual(['502']);
    expect(server.program.output).not.toContain('evil');
  });

  test('an answer that has begun is broken off by a reset', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/half'));
    await until('half of the answer', () => client.received.includes('half\n'));
    await kill(server);
    expect(await ended(client)).toBe('reset');
    expect(await stats(server)).toMatchObject({ badGatewayCount: 0, deathResetCount: 1 });
  });

  test('the rest of a request that was answered before all of it had come is dropped, and the next request is answered', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(`POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length + 4}\r\n\r\n0123`);
    await answers(client, 1);
    await kill(server);
    client.send(SMUGGLED);
    client.send(get('/pid'));
    await answers(client, 2);
    expect(statuses(client)).toEqual(['200', '200']);
    expect(await stats(server)).toMatchObject({ badGatewayCount: 0, deathCloseCount: 0, deathResetCount: 0 });
    expect(server.program.output).not.toContain('evil');
  });

  test('a WebSocket between two frames is closed with 1012', async () => {
    await using server = await start();
    const client = await connect(server);
    client.send(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    await until('the switch', () => client.received.includes('\r\n\r\n'));
    client.send(Buffer.of(0x81, 2, 0x68, 0x69));
    await until('a frame', () => client.received.subarray(-2).toString() === 'hi');
    await kill(server);
    expect(await ended(client)).toBe('end');
    expect(client.received.subarray(-4)).toEqual(Buffer.of(0x88, 0x02, 0x03, 0xf4));
    expect(await stats(server)).toMatchObject({ deathRestartCount: 1, deathResetCount: 0 });
  });

  test('a WebSocket in the middle of a frame is reset, and so is a stream', async () => {
    await using server = await start();
    const [socket, stream] = [await connect(server), await TestClient.connect(server.frames)];
    socket.send(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    await until('the switch', () => socket.received.includes('\r\n\r\n'));
    socket.send(Buffer.of(0x81, 5, 0x68, 0x69));
    await until('a part of a frame', () => socket.received.subarray(-2).toString() === 'hi');
    stream.send('hello\n');
    expect(await stream.line()).toBe('hello');
    await kill(server);
    expect(await Promise.all([ended(socket), ended(stream)])).toEqual(['reset', 'reset']);
    expect(await stats(server)).toMatchObject({ deathRestartCount: 0, deathResetCount: 2 });
  });

  test('over TLS it is the same, and half an answer has no end that could be taken for its own', async () => {
    using authority = new Authority();
    const directory = mkdtempSync(join(tmpdir(), 'millrace-request-death-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const issued = authority.issue('localhost');
    writeFileSync(key, issued.key);
    writeFileSync(cert, issued.cert);
    await using server = await start({ tls: { key, cert } });
    const trusting = { ca: authority.cert, servername: 'localhost' };
    const clients = Array.from({ length: 3 }, () => TestClient.connectTls(server.lines, trusting));
    const [hanging, half, idle] = (await Promise.all(clients)) as [TestClient, TestClient, TestClient];
    hanging.send(get('/hang', 'X-Name: secret\r\n'));
    half.send(get('/half'));
    idle.send(get('/pid'));
    await server.program.printed(/^hang secret has begun$/m);
    await until('half of the answer', () => half.received.includes('half\n'));
    await answers(idle, 1);
    const ends = Promise.all([ended(hanging), ended(half)]);
    await kill(server);
    expect(await ends).toEqual(['end', 'reset']);
    expect(statuses(hanging)).toEqual(['502']);
    idle.send(get('/pid'));
    await answers(idle, 2);
    for (const client of [hanging, half, idle]) client.close();
  });

  test('that is killed while it finishes what it has before a reload, it is the same', async () => {
    await using server = await start();
    const [hanging, idle] = [await connect(server), await connect(server)];
    hanging.send(get('/hang', 'X-Name: leaving\r\n'));
    idle.send(get('/pid'));
    await server.program.printed(/^hang leaving has begun$/m);
    await answers(idle, 1);
    const old = workerOf(server) as number;
    server.program.kill('SIGUSR1');
    const workers = () => server.program.children().filter(({ title }) => title === 'millrace: worker 0');
    await until('the next worker', () => workers().length === 2);
    process.kill(old, 'SIGKILL');
    expect(await ended(hanging)).toBe('end');
    expect(statuses(hanging)).toEqual(['502']);
    idle.send(get('/pid'));
    await answers(idle, 2);
    expect(statuses(idle)).toEqual(['200', '200']);
  });

  test('that dies with its manager it is the same, in every reactor thread', async () => {
    await using server = await start({ reactorNum: 2, workerNum: 2 });
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(server)));
    for (const [index, client] of clients.entries())
      client.send(index < 4 ? get('/hang', `X-Name: ${index}\r\n`) : get('/pid'));
    for (const index of [0, 1, 2, 3])
      await server.program.printed(new RegExp(`^hang ${index} has begun$`, 'm'));
    for (const client of clients.slice(4)) await answers(client, 1);
    process.kill(pidOf(server, 'millrace: manager') as number, 'SIGKILL');
    for (const client of clients.slice(0, 4)) {
      expect(await ended(client)).toBe('end');
      expect(statuses(client)).toEqual(['502']);
    }
    for (const client of clients.slice(4)) {
      client.send(get('/pid'));
      await answers(client, 2);
      expect(statuses(client)).toEqual(['200', '200']);
    }
  });

  test('what Node alone understands is answered 502 while nothing of it is answered, and else reset', async () => {
    await using server = await start();
    const [hanging, answered, idle] = [await connect(server), await connect(server), await connect(server)];
    // A space behind the coding: Node's parser takes some of what the reactor thread does not cut.
    const odd = (path: string) => get(path, 'X-Name: odd\r\nTransfer-Encoding:  chunked \r\n');
    hanging.send(`${odd('/hang')}0\r\n\r\n`);
    answered.send(`${odd('/pid')}0\r\n\r\n`);
    idle.send(get('/pid'));
    await server.program.printed(/^hang odd has begun$/m);
    await Promise.all([answers(answered, 1), answers(idle, 1)]);
    await kill(server);
    expect(await Promise.all([ended(hanging), ended(answered)])).toEqual(['end', 'reset']);
    expect([statuses(hanging), statuses(answered)]).toEqual([['502'], ['200']]);
    idle.send(get('/pid'));
    await answers(idle, 2);
  });

  test('a client waits no longer than maxWaitTime for the next one', async () => {
    const gate = `${fixture('dying').pathname}.gate-${process.pid}`;
    const remove = () => rmSync(gate, { force: true });
    onTestFinished(remove);
    await using server = await start({ maxWaitTime: 500 }, { GATE: gate });
    const [waiting, idle] = [await connect(server), await connect(server)];
    for (const client of [waiting, idle]) client.send(get('/pid'));
    await Promise.all([answers(waiting, 1), answers(idle, 1)]);
    writeFileSync(gate, '');
    process.kill(workerOf(server) as number, 'SIGKILL');
    waiting.send(SMUGGLED);
    await answers(waiting, 2);
    expect(statuses(waiting)).toEqual(['200', '503']);
    expect(answersIn(waiting)[1]).toMatch(/^retry-after: \d+\r$/im);
    expect(await ended(waiting)).toBe('end');
    remove();
    await until('a worker that answers', async () => {
      const client = await connect(server);
      client.send(get('/pid'));
      const [answer] = await answers(client, 1);
      return answer?.startsWith('HTTP/1.1 200');
    });
    idle.send(get('/pid'));
    await answers(idle, 2);
    expect(statuses(idle)).toEqual(['200', '200']);
    expect(await stats(server)).toMatchObject({ badGatewayCount: 0, deathResetCount: 0 });
    expect(server.program.output).not.toContain('evil');
  });

  test.each([1, 2, 3])(
    'whatever it has written of its requests and those of others (%i), its clients hear an end, and others an answer',
    async (seed) => {
      await using server = await start({ workerNum: 2, maxConnections: 64 }, { SEED: String(seed) });
      const clients = await Promise.all(Array.from({ length: 12 }, () => connect(server)));
      for (const client of clients) client.send(get('/pid'));
      const workers = new Map<TestClient, string>();
      for (const client of clients) {
        const [answer = ''] = await answers(client, 1);
        workers.set(client, answer.trim().split(' ').at(-1) as string);
      }
      const [first] = clients as [TestClient];
      first.send(get('/scribble'));
      await first.serverClosed();
      for (const client of clients.slice(1)) client.send(get('/pid'));
      for (const client of clients.slice(1)) {
        if (workers.get(client) === workers.get(first)) {
          await until(
            'an answer or an end',
            () => answersIn(client).length === 2 || client.ended || client.socket.readableEnded,
          );
          const [, second = '', ...more] = statuses(client);
          expect(['', '200', '502']).toContain(second);
          expect(more).toEqual([]);
        } else
          expect((await answers(client, 2))[1]?.trim().endsWith(workers.get(client) as string)).toBe(true);
      }
      const late = await connect(server);
      late.send(get('/pid'));
      await answers(late, 1);
    },
  );
});

describe('killed at every byte of a request', () => {
  const BODY = `${SMUGGLED}${SMUGGLED.slice(0, 7)}`;
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const REQUESTS = {
    'with a length': `POST /upload HTTP/1.1\r\nHost: a\r\nX-Name: it\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    'in chunks': `POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(SMUGGLED)}${chunk(BODY)}0\r\n\r\n`,
  };

  test.each(Object.entries(REQUESTS))(
    '%s: one answer each, no silence, and a body is never a request',
    async (_, request) => {
      await using server = await start();
      // One connection for each byte at which it is cut; all of them lose the same worker, twice: at once, and when it has read them.
      for (const settled of [false, true]) {
        const clients = await Promise.all(Array.from({ length: request.length + 1 }, () => connect(server)));
        for (const [at, client] of clients.entries()) client.send(request.slice(0, at));
        const last = clients.at(-1) as TestClient;
        if (settled) await answers(last, 1);
        await kill(server);
        for (const [at, client] of clients.entries()) client.send(request.slice(at));
        for (const [at, client] of clients.entries()) {
          await answers(client, 1);
          const [status] = statuses(client);
          expect([at, ['200', '502'].includes(status as string)]).toEqual([at, true]);
          // It may go on where the next worker has answered; else nothing follows.
          if (status === '502') await client.serverClosed();
          else {
            client.send(get('/pid'));
            await answers(client, 2);
          }
          expect(statuses(client)).toEqual(status === '502' ? ['502'] : ['200', '200']);
        }
        // With nothing sent, and with all answered, there is a boundary.
        expect(statuses(clients[0] as TestClient)).toEqual(['200', '200']);
        if (settled) expect(statuses(last)).toEqual(['200', '200']);
        for (const client of clients) client.close();
      }
      expect(server.program.output).not.toContain('evil');
    },
  );

  test('by the request itself, at each byte of its body', async () => {
    await using server = await start();
    for (let at = 0; at <= 12; at++) {
      const client = await connect(server);
      client.send(
        `POST /die HTTP/1.1\r\nHost: a\r\nX-Bytes: ${at}\r\nContent-Length: 60\r\n\r\n${BODY.slice(0, at)}`,
      );
      await answers(client, 1);
      client.send(SMUGGLED);
      await client.serverClosed();
      expect([at, statuses(client)]).toEqual([at, ['502']]);
      client.close();
    }
    expect(server.program.output).not.toContain('evil');
    expect((await stats(server)).badGatewayCount).toBe(13);
  });
});
