import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { until } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { gate, handOver, Keeping, killed, movedTo, over, pidNow, RELOAD_MS, start } from './retiring.js';

describe.each([1, 2])('a worker that is replaced, with %d reactor threads', (reactorNum) => {
  test('answers the request that it has in hand, while the next process answers others', async () => {
    await using server = await start({ reactorNum });
    const { path, open } = gate();
    const slow = await Keeping.connect(server.app);
    const before = await slow.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    const after = await handOver(server, before);
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    await over(server);
    expect(await slow.pid()).toBe(after);
    expect(server.program.count(new RegExp(`^ended ${before}$`, 'gm'))).toBe(1);
  });

  test('leaves idle connections to the next process, which nothing tells their clients', async () => {
    await using server = await start({ reactorNum });
    const clients = await Promise.all(Array.from({ length: 4 }, () => Keeping.connect(server.app)));
    // One has not asked for anything yet.
    for (const client of clients.slice(1)) await client.pid();
    const before = await (clients[1] as Keeping).pid();
    const after = await handOver(server, before);
    await over(server);
    for (const client of clients) {
      const { body, head } = await client.get('/pid');
      expect(Number(body)).toBe(after);
      expect(head).not.toMatch(/connection: close/i);
    }
  });

  test('keeps an upload that it has read half of, and half a head, until they are answered', async () => {
    await using server = await start({ reactorNum });
    const upload = await Keeping.connect(server.app);
    const before = await upload.pid();
    upload.send('POST /upload HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n');
    upload.send(Buffer.alloc(100_000));
    const late = await Keeping.connect(server.app);
    await late.pid();
    late.send('GET /pid HTTP/1.1\r\nHo');
    const after = await handOver(server, before);
    upload.send(Buffer.alloc(100_000));
    expect((await upload.answer()).body).toBe(`200000 ${before}\n`);
    late.send('st: here\r\n\r\n');
    const { status, body } = await late.answer();
    expect(status).toBe(200);
    expect([before, after]).toContain(Number(body));
    await over(server);
    for (const client of [upload, late]) expect(await client.pid()).toBe(after);
  });

  test('gets no request behind one that it has not answered: the client asks the next process', async () => {
    await using server = await start({ reactorNum });
    const [one, two] = [gate(), gate()];
    const wait = (name: string, { path }: { path: string }) =>
      `GET /wait?name=${name}&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`;
    const client = await Keeping.connect(server.app);
    const before = await client.pid();
    client.send(wait('one', one));
    await server.program.printed(/^waits one/m);
    const after = await handOver(server, before);
    client.send(wait('two', two));
    one.open();
    expect((await client.answer()).body).toBe(`waited ${before}\n`);
    await server.program.printed(/^waits two/m);
    // It always has something in hand.
    client.send(wait('three', one));
    two.open();
    expect((await client.answer()).body).toBe(`waited ${after}\n`);
    expect((await client.answer()).body).toBe(`waited ${after}\n`);
    await over(server);
  });

  test('ends an answer that it has begun, however long that takes', async () => {
    await using server = await start({ reactorNum });
    const { path, open } = gate();
    const client = await Keeping.connect(server.app);
    const before = await client.pid();
    client.send(`GET /stream?file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await client.until('begun');
    const after = await handOver(server, before);
    open();
    await client.until(`ended ${before}\n\r\n0\r\n\r\n`);
    await over(server);
    expect(await client.pid()).toBe(after);
  });

  test('goes on with raw connections and WebSockets, until maxWaitTime has passed', async () => {
    await using server = await start({ reactorNum, maxWaitTime: 3_000 });
    const stream = await Keeping.connect(server.stream);
    const socket = await Keeping.connect(server.app);
    socket.send(
      'GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\r\n\r\n',
    );
    await socket.head();
    const before = await pidNow(server.app);
    const after = await handOver(server, before);
    stream.send('hello\n');
    expect(await stream.until('\n')).toBe(`${before} hello\n`);
    const frame = Buffer.of(0x81, 0x02, 0x68, 0x69);
    socket.send(frame);
    expect(await socket.take(4)).toEqual(frame);
    // The close frame for "service restart".
    expect(await socket.take(4)).toEqual(Buffer.of(0x88, 0x02, 0x03, 0xf4));
    await socket.closed();
    await stream.closed();
    await over(server);
    expect(await pidNow(server.app)).toBe(after);
  });

  test('tells the program of SIGTERM, once, when no connection is left to it', async () => {
    await using server = await start({ reactorNum }, { CLOSES: '1' });
    const { path, open } = gate();
    const slow = await Keeping.connect(server.app);
    const idle = await Keeping.connect(server.app);
    const before = await slow.pid();
    await idle.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    const after = await handOver(server, before);
    await movedTo(idle, after);
    expect(server.program.count(/^told/gm)).toBe(0);
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    await server.program.printed(new RegExp(`^closed ${before}$`, 'm'));
    await over(server);
    expect(await slow.pid()).toBe(after);
    expect(server.program.count(new RegExp(`^told ${before}$`, 'gm'))).toBe(1);
  });

  test('tells the program of SIGTERM before its time is up, and its close() costs no client anything', async () => {
    await using server = await start({ reactorNum, maxWaitTime: 6_000 }, { CLOSES: '1' });
    const { path, open } = gate();
    const [slow, upload] = await Promise.all([Keeping.connect(server.app), Keeping.connect(server.app)]);
    const before = await slow.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    upload.send('POST /upload HTTP/1.1\r\nHost: here\r\nContent-Length: 8\r\n\r\nhalf');
    const after = await handOver(server, before);
    await server.program.printed(new RegExp(`^told ${before}$`, 'm'));
    expect(server.program.count(/^closed/gm)).toBe(0);
    upload.send('rest');
    expect((await upload.answer()).body).toBe(`8 ${before}\n`);
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    await server.program.printed(new RegExp(`^closed ${before}$`, 'm'));
    await over(server);
    expect([await slow.pid(), await upload.pid()]).toEqual([after, after]);
  });

  test('gets the results of its tasks before it gives its place up', async () => {
    await using server = await start({ reactorNum, taskWorkerNum: 1 });
    const task = gate();
    const later = gate();
    const client = await Keeping.connect(server.app);
    const other = await Keeping.connect(server.app);
    const before = await client.pid();
    client.send(`GET /task?name=one&file=${task.path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^task one/m);
    other.send(`GET /task?name=two&after=${later.path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^task two/m);
    server.program.kill('SIGUSR1');
    await server.program.printed(/reloading/);
    task.open();
    expect((await client.answer()).body).toBe(`a result ${before}\n`);
    await until('the next process', async () => (await pidNow(server.app)) !== before, {
      deadlineMs: RELOAD_MS,
    });
    later.open();
    // The links to task workers are the next process's.
    expect((await other.answer()).body).toMatch(
      `ERR_MILLRACE_TASK_CLIENT_CLOSED ${before} This process was replaced`,
    );
    await over(server);
  });

  test('that is killed loses what it had in hand, which its clients are told, and nothing else', async () => {
    await using server = await start({ reactorNum });
    const { path } = gate();
    const [waits, streams, uploads, idle] = (await Promise.all(
      [1, 2, 3, 4].map(() => Keeping.connect(server.app)),
    )) as [Keeping, Keeping, Keeping, Keeping];
    const before = await waits.pid();
    await idle.pid();
    waits.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    streams.send(`GET /stream?file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await streams.until('begun');
    uploads.send('POST /upload HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf');
    const after = await handOver(server, before);
    process.kill(before, 'SIGKILL');
    expect((await waits.answer()).status).toBe(502);
    expect((await uploads.answer()).status).toBe(502);
    await streams.closed();
    await over(server);
    expect(await idle.pid()).toBe(after);
    // The links are as good as new.
    const slow = await Keeping.connect(server.app);
    const { path: second, open } = gate();
    slow.send(`GET /wait?name=two&file=${second} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits two/m);
    const last = await handOver(server, after);
    open();
    expect((await slow.answer()).body).toBe(`waited ${after}\n`);
    await over(server, 2);
    expect([await slow.pid(), await idle.pid()]).toEqual([last, last]);
  });

  test('gives its place to the process after the one that is killed while it waits for that place', async () => {
    await using server = await start({ reactorNum, taskWorkerNum: 1 });
    const task = gate();
    const [slow, idle] = await Promise.all([Keeping.connect(server.app), Keeping.connect(server.app)]);
    const before = await idle.pid();
    slow.send(`GET /task?name=one&file=${task.path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^task one/m);
    server.program.kill('SIGUSR1');
    // The one before has given up everything but its place, which it needs for the result of its task.
    const [, after] = await server.program.printed(/"newPid":(\d+),"msg":"worker 0 has been replaced"/);
    process.kill(Number(after), 'SIGKILL');
    task.open();
    expect((await slow.answer()).body).toBe(`a result ${before}\n`);
    const last = await until(
      'the third process',
      async () => {
        const pid = await pidNow(server.app);
        return pid !== before && pid;
      },
      { deadlineMs: RELOAD_MS },
    );
    expect(last).not.toBe(Number(after));
    expect([await slow.pid(), await idle.pid()]).toEqual([last, last]);
  });

  test('goes on with what it has where the process after it is killed', async () => {
    await using server = await start({ reactorNum });
    const { path, open } = gate();
    const [slow, idle] = await Promise.all([Keeping.connect(server.app), Keeping.connect(server.app)]);
    const before = await slow.pid();
    await idle.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    const after = await handOver(server, before);
    await movedTo(idle, after);
    await killed(after);
    const last = await idle.pid();
    expect([before, after]).not.toContain(last);
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    await over(server);
    expect(await slow.pid()).toBe(last);
  });

  test('is waited for by the next reload, and by a process of its place that hands over', async () => {
    await using server = await start({ reactorNum });
    const { path, open } = gate();
    const slow = await Keeping.connect(server.app);
    const before = await slow.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits one/m);
    const after = await handOver(server, before);
    // SIGTERM to the one that has the place: it hands over, and cannot before the links are free.
    process.kill(after, 'SIGTERM');
    await server.program.printed(/SIGTERM has come to worker 0 alone/);
    const kept = await Keeping.connect(server.app);
    expect(await kept.pid()).toBe(after);
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    const last = await until('the third process', async () => {
      const pid = await pidNow(server.app);
      return pid !== after && pid !== before && pid;
    });
    expect([await slow.pid(), await kept.pid()]).toEqual([last, last]);
  });

  test('is not waited for longer than maxWaitTime when the server stops', async () => {
    await using server = await start({ reactorNum, maxWaitTime: 2_000 });
    const { path, open } = gate();
    const [slow, never] = await Promise.all([Keeping.connect(server.app), Keeping.connect(server.app)]);
    const before = await slow.pid();
    slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    never.send(`GET /wait?name=two&file=${path}-never HTTP/1.1\r\nHost: here\r\n\r\n`);
    await server.program.printed(/^waits two/m);
    await handOver(server, before);
    server.program.kill('SIGTERM');
    open();
    expect((await slow.answer()).body).toBe(`waited ${before}\n`);
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
    await never.closed();
  });
});

/** Requests of one client after the other by connections that are kept; counts those. */
class Askers {
  connections = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 100 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    const { createConnection } = this.#agent;
    this.#agent.createConnection = (...parts) => {
      this.connections++;
      return createConnection.apply(this.#agent, parts);
    };
    onTestFinished(() => this.#agent.destroy());
  }

  /** Has its own body counted by the server. Returns the pid of who has answered, or throws for any other answer. */
  async upload(body: string): Promise<number> {
    const asked = request({ port: this.#port, path: '/upload', method: 'POST', agent: this.#agent }).end(
      body,
    );
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += chunk;
    const [length, pid] = text.split(' ').map(Number) as [number, number];
    if (answer.statusCode === 200 && length === body.length && answer.headers.connection !== 'close')
      return pid;
    throw new Error(`${answer.statusCode} ${JSON.stringify(answer.headers)} ${text}`);
  }
}

test('a hundred clients that keep their connections notice nothing of ten reloads', async () => {
  await using server = await start({ workerNum: 2, reactorNum: 2 });
  const askers = new Askers(server.app);
  let running = true;
  let answers = 0;
  const pids = new Set<number>();
  const ask = async (number: number) => {
    for (let i = 0; running; i++) {
      pids.add(await askers.upload('x'.repeat((number * 37 + i * 101) % 3_000)));
      answers++;
    }
  };
  const asking = Promise.all(Array.from({ length: 100 }, (_, number) => ask(number)));
  for (let reloads = 1; reloads <= 10; reloads++) {
    server.program.kill('SIGUSR1');
    await Promise.race([over(server, reloads), asking]);
  }
  running = false;
  await asking;
  expect(askers.connections).toBe(100);
  expect(answers).toBeGreaterThan(1_000);
  expect(pids.size).toBe(22);
}, 300_000);
