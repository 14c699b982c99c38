import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type Program, TestClient, until, within } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isBase, launch, testOfLastingClients } from '../support.js';

interface Served extends AsyncDisposable {
  readonly program: Program;
  readonly app: number;
  readonly stream: number;
  readonly http2: number;
  readonly listener: number;
}

async function start(options = {}, env: NodeJS.ProcessEnv = {}): Promise<Served> {
  const program = launch('served', options, env);
  const [, ports = ''] = await program.printed(/^listening (.*)$/m);
  const [app, stream, http2, listener] = ports.split(' ').map(Number) as [number, number, number, number];
  return {
    program,
    app,
    stream,
    http2,
    listener,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function ask(port: number, path: string, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  const asked = request({ port, path, ...options }).end(body);
  const [answer] = (await within(`an answer to ${path}`, once(asked, 'response'))) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
}

/** A client that keeps one connection. */
function keepingAgent(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: here\r\n${more}\r\n`;

let served: Served;
beforeAll(async () => {
  served = await start();
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

async function connected(port: number): Promise<TestClient> {
  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  return client;
}

describe('a served node:http server', () => {
  test('listens as far as its program can tell, and keeps idle connections for longer in process mode', async () => {
    const [, port, keepAlive] = await served.program.printed(/^app listens true 127\.0\.0\.1 (\d+) (\d+)$/m);
    expect(Number(port)).toBe(served.app);
    expect(Number(keepAlive)).toBe(isBase ? 5_000 : 75_000);
  });

  test('leaves the keepAliveTimeout that the program has set', async () => {
    await using other = await start({}, { KEEP_ALIVE: '7000' });
    await other.program.printed(/^app listens true 127\.0\.0\.1 \d+ 7000$/m);
  });

  test('answers many requests of one connection', async () => {
    const agent = keepingAgent();
    for (let i = 0; i < 20; i++) {
      const { status, body } = await ask(served.app, '/hello', { agent });
      expect([status, String(body)]).toEqual([200, 'Hello\n']);
    }
    const { body } = await ask(served.app, '/socket', { agent });
    expect(JSON.parse(String(body)).bytesRead).toBeGreaterThan(20 * 50);
  });

  test('has sockets that tell where both ends are', async () => {
    const agent = keepingAgent();
    const { body } = await ask(served.app, '/socket', { agent });
    expect(JSON.parse(String(body))).toMatchObject({
      remoteAddress: '127.0.0.1',
      remoteFamily: 'IPv4',
      localAddress: '127.0.0.1',
      localPort: served.app,
      readyState: 'open',
      pending: false,
      connecting: false,
      destroyed: false,
      writableNeedDrain: false,
      isSocket: true,
    });
  });

  test('answers pipelined requests in their order', async () => {
    const client = await connected(served.app);
    client.send(get('/slow') + get('/hello') + get('/close'));
    await client.serverClosed();
    const text = String(client.received);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(text).toMatch(/slow \d+\n[\s\S]*Hello\n[\s\S]*last\n$/);
  });

  test('answers before it hears that the client sends no more, where its handler only awaits what is there', async () => {
    for (let at = 0; at < 20; at++) {
      const client = await connected(served.app);
      client.send(get('/awaits'));
      client.finish();
      await client.serverClosed();
      expect(String(client.received)).toMatch(/awaited/);
    }
  });

  test('closes behind an answer with Connection: close', async () => {
    const client = await connected(served.app);
    client.send(get('/close'));
    await client.serverClosed();
    expect(String(client.received)).toContain('\r\n\r\nlast\n');
  });

  test.each([0, 1, 65_536, 5_000_000])('sends a body of %d bytes back', async (bytes) => {
    const sent = randomBytes(bytes);
    const { body } = await ask(served.app, '/echo', { method: 'POST' }, sent);
    expect(body.equals(sent)).toBe(true);
  });

  test('takes a chunked body', async () => {
    const client = await connected(served.app);
    client.send(
      'POST /length HTTP/1.1\r\nHost: here\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n',
    );
    client.send('3\r\nfgh\r\n0\r\n\r\n');
    await client.serverClosed();
    expect(String(client.received)).toContain('8\n');
  });

  test('asks for a body by 100 Continue, and sends other interim responses', async () => {
    const client = await connected(served.app);
    client.send(
      'POST /length HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    );
    await until('100 Continue', () => String(client.received).startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.send('body');
    await client.serverClosed();
    expect(String(client.received)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*4\n/);
    const hinted = await ask(served.app, '/hints');
    expect(String(hinted.body)).toBe('hinted\n');
  });

  test('sends no more than a slow client takes, and all of it in the end', async () => {
    const client = await connected(served.app);
    client.socket.pause();
    const bytes = 40_000_000;
    client.send(get(`/large?bytes=${bytes}`, 'Connection: close\r\n'));
    await until('the socket to fill', () => client.socket.readableLength > 0 || client.socket.bytesRead > 0);
    expect(served.program.count(/large is over/g)).toBe(0);
    let taken = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk) => {
      taken += chunk.length;
    });
    client.socket.resume();
    await client.serverClosed();
    expect(taken).toBeGreaterThan(bytes);
    await served.program.printed(/^large is over, waited for room$/m);
  });

  test('ends an answer that its handler breaks off, and resets where it says so', async () => {
    const client = await connected(served.app);
    client.send(get('/destroy'));
    await client.serverClosed();
    expect(String(client.received)).toContain('begun');
    const other = await connected(served.app);
    const [error] = await Promise.all([once(other.socket, 'error'), other.send(get('/reset'))]);
    expect(error).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  test('answers 400 to what is no HTTP, and closes', async () => {
    const client = await connected(served.app);
    client.send('this is not HTTP\r\n\r\n');
    await client.serverClosed();
    expect(String(client.received)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test('hears of an upload that its client breaks off, and goes on', async () => {
    const client = await connected(served.app);
    client.send(
      'POST /length HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n',
    );
    await until('100 Continue', () => String(client.received).startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.send('half');
    client.socket.resetAndDestroy();
    await served.program.printed(/^an upload: aborted$/m);
    expect(String((await ask(served.app, '/hello')).body)).toBe('Hello\n');
  });

  test('gives an upgraded connection up to what it is upgraded to', async () => {
    const client = await connected(served.app);
    client.send(
      get(
        '/',
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
      ),
    );
    await until('101', () => String(client.received).includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'));
    await client.take(client.received.length);
    for (const bytes of [3, 70_000, 5]) {
      const sent = randomBytes(bytes);
      client.send(sent);
      expect((await client.take(bytes)).equals(sent)).toBe(true);
    }
    client.finish();
    await client.serverClosed();
    expect(String(client.received)).toBe('over');
    await served.program.printed(/^the upgraded connection is closed$/m);
  });

  test('is what a function (request, response) becomes', async () => {
    expect(String((await ask(served.listener, '/')).body)).toBe('by a function\n');
  });

  test('closes a connection whose head does not come by headersTimeout', async () => {
    await using other = await start({}, { HEADERS_TIMEOUT: '300', HEADERS_CHECKS: '200' });
    const client = await connected(other.app);
    client.send('GET / HTTP/1.1\r\nHost:');
    await client.serverClosed();
    expect(String(client.received)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test('closes an idle connection after its keepAliveTimeout', async () => {
    await using other = await start({}, { KEEP_ALIVE: '100' });
    const client = await connected(other.app);
    client.send(get('/hello'));
    await client.serverClosed();
    expect(String(client.received)).toContain('Hello\n');
  });

  test('has an error of a handler as an uncaught one, which costs no other connection', async () => {
    await using other = await start({}, { CATCH: '1' });
    const [one, two] = [await connected(other.app), await connected(other.app)];
    one.send(get('/throw'));
    await other.program.printed(/^uncaught a listener of requests that throws$/m);
    two.send(get('/close'));
    await two.serverClosed();
    expect(String(two.received)).toContain('last\n');
  });

  test('closes by its own close: idle connections at once, others behind their answers', async () => {
    await using other = await start();
    const [idle, busy] = [await connected(other.app), await connected(other.app)];
    idle.send(get('/hello'));
    await until('an answer', () => String(idle.received).includes('Hello\n'));
    busy.send(get('/slow', 'Connection: close\r\n'));
    await other.program.printed(/^slow has begun$/m);
    other.program.kill('SIGUSR2');
    await other.program.printed(/^connections 2$/m);
    await idle.serverClosed();
    await busy.serverClosed();
    expect(String(busy.received)).toMatch(/slow \d+\n/);
    await other.program.printed(/^app is closed$/m);
  });

  test('closes one that has sent the beginning of a head, when it closes all and itself', async () => {
    await using other = await start({}, { CLOSE_ALL: 'yes' });
    const half = await connected(other.app);
    const whole = await connected(other.app);
    whole.send(get('/hello'));
    await until('an answer', () => String(whole.received).includes('Hello\n'));
    half.send('GET / HT');
    other.program.kill('SIGUSR2');
    await whole.serverClosed();
    await half.serverClosed();
  });
});

describe('a served node:net server', () => {
  test('sends back what a client sends', async () => {
    const client = await connected(served.stream);
    const sent = randomBytes(3_000_000);
    client.send('echo\n');
    await client.take(5);
    client.send(sent);
    expect((await client.take(sent.length)).equals(sent)).toBe(true);
    client.finish();
    await client.serverClosed();
    await served.program.printed(/^stream close false 3000005 3000005$/m);
  });

  test('reads on after it has ended its own side', async () => {
    const client = await connected(served.stream);
    client.send('half\n');
    await client.serverClosed();
    expect(String(client.received)).toBe('no more\n');
    client.send('still read');
    await served.program.printed(/^read still read$/m);
    client.finish();
    await served.program.printed(/^stream close false 15 8$/m);
  });

  test('answers after its client has ended its side', async () => {
    const client = await connected(served.stream);
    expect(await client.ask('late')).toBe('ready');
    client.send('all');
    client.finish();
    await client.serverClosed();
    expect(String(client.received)).toMatch(/^got all\n$/);
  });

  test('hears that its client has broken off', async () => {
    const client = await connected(served.stream);
    await client.ask('echo');
    client.socket.resetAndDestroy();
    await served.program.printed(/^stream error ECONNRESET$/m);
    await served.program.printed(/^stream close true 5 5$/m);
  });

  test('has a timeout that a busy connection does not trip', async () => {
    const client = await connected(served.stream);
    client.send('timeout 2000\n');
    const began = performance.now();
    const beat = setInterval(() => client.send('x'), 200);
    setTimeout(() => clearInterval(beat), 3_000);
    expect(await client.line()).toBe('timed out');
    expect(performance.now() - began).toBeGreaterThan(4_800);
  });

  test('is not read for while it is paused', async () => {
    const client = await connected(served.stream);
    client.send('pause 300\n');
    const sent = Buffer.alloc(30_000_000);
    client.socket.write(sent);
    await until('the kernel to be full', () => client.socket.writableLength > 1_000_000);
    client.finish();
    await until('all of it to be taken', () => client.socket.writableLength === 0, { deadlineMs: 20_000 });
  });
});

test('a served node:http2 server answers, and knows where its client is', async () => {
  const session = connectHttp2(`http://127.0.0.1:${served.http2}`);
  onTestFinished(() => session.close());
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += chunk;
  expect(text).toBe('h2 127.0.0.1\n');
});

testOfLastingClients('an idle connection goes on with the replacement of a killed worker', async () => {
  // 503, where a machine is slow to start a process, is not what this is about.
  await using other = await start({ maxWaitTime: 60_000 });
  const client = await connected(other.app);
  const pid = async () => {
    const before = client.received.length;
    client.send(get('/pid'));
    await until('an answer', () => /\r\n\r\n\d+\n/.test(String(client.received.subarray(before))));
    return Number(String(client.received.subarray(before)).match(/\r\n\r\n(\d+)\n/)?.[1]);
  };
  const first = await pid();
  process.kill(first, 'SIGKILL');
  const second = await pid();
  expect(second).not.toBe(first);
  expect(await pid()).toBe(second);
});

testOfLastingClients(
  'an idle connection that a replacement has taken over is closed after keepAliveTimeout',
  async () => {
    await using other = await start({ maxWaitTime: 60_000 }, { KEEP_ALIVE: '500' });
    const client = await connected(other.app);
    client.send(get('/pid'));
    await until('an answer', () => /\r\n\r\n\d+\n/.test(String(client.received)));
    process.kill(Number(String(client.received).match(/\r\n\r\n(\d+)\n/)?.[1]), 'SIGKILL');
    await client.serverClosed();
  },
);

test('a request in hand is answered while its server stops', async () => {
  await using other = await start();
  const client = await connected(other.app);
  client.send(get('/slow'));
  await other.program.printed(/^slow has begun$/m);
  other.program.kill('SIGTERM');
  await client.serverClosed();
  expect(String(client.received)).toMatch(/slow \d+\n/);
  expect(await other.program.ended()).toMatchObject({ code: 0 });
});
