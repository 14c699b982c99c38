import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Comparison, type Outcome, split } from './fuzz/compare.js';
import { Bench, type Client } from './fuzz/connection.js';

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n';
const POST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

const answers: Readonly<Record<string, RequestListener>> = {
  text: (_, res) => res.end('hello'),
  'text of more than one byte a character': (_, res) => res.end('h\u00e9llo \u4e16'),
  'text of Latin 1': (_, res) => res.end('h\u00e9llo', 'latin1'),
  // As Fastify ends its answers.
  'text, with null for what is not said': (_, res) => res.end('h\u00e9llo', null as never, null as never),
  'text, with its encoding': (_, res) => res.end('h\u00e9llo', 'utf8'),
  bytes: (_, res) => res.end(Buffer.from('hello')),
  'an array of bytes': (_, res) => res.end(new Uint8Array([104, 105])),
  nothing: (_, res) => res.end(),
  'an empty text': (_, res) => res.end(''),
  'with a callback': (_, res) => res.end('hello', () => {}),
  'fields of every kind': (_, res) => {
    res.setHeader('Content-Type', 'text/plain');
    res.setHeader('X-Number', 5);
    res.setHeader('Set-Cookie', ['a=b', 'c=d']);
    res.setHeader('X-Latin', 'h\u00e9');
    res.end('hello');
  },
  'fields of names that objects have': (_, res) => {
    for (const name of ['constructor', '__proto__', 'toString']) res.setHeader(name, name);
    res.end(JSON.stringify([res.getHeaderNames(), res.getHeaders(), res.hasHeader('valueOf')]));
  },
  'fields that are set again, added to and removed': (_, res) => {
    res.setHeader('X-A', '1');
    res.setHeader('x-a', '2');
    res.setHeader('X-B', 'b');
    res.removeHeader('x-b');
    res.appendHeader('X-A', '3');
    res.end(JSON.stringify(res.getHeaders()));
  },
  'fields that may not be': (_, res) => {
    const refused: string[] = [];
    const wrong = [
      ['', 'a'],
      ['a b', 'a'],
      ['\u00e9', 'a'],
      ['X', 'a\nb'],
      ['X', '\u4e16'],
      [1, 'a'],
      ['X', undefined],
    ];
    for (const [name, value] of wrong)
      try {
        res.setHeader(name as string, value as string);
      } catch (error) {
        refused.push(String((error as NodeJS.ErrnoException).code), String(error));
      }
    res.end(JSON.stringify(refused));
  },
  'a field behind the head': (_, res) => {
    res.writeHead(200, { 'X-A': 'a' });
    try {
      res.setHeader('X-B', 'b');
    } catch (error) {
      res.end((error as NodeJS.ErrnoException).code);
    }
  },
  'a head that is not of ASCII, and text': (_, res) => {
    res.setHeader('X-Latin', 'h\u00e9');
    res.end('hello');
  },
  'a head that is not of ASCII, and bytes': (_, res) => {
    res.setHeader('X-Latin', 'h\u00e9');
    res.end(Buffer.from('hello'));
  },
  'a length of its own': (_, res) => {
    res.setHeader('Content-Length', '5');
    res.end('hello');
  },
  'a date of its own': (_, res) => {
    res.setHeader('Date', 'x');
    res.end('hello');
  },
  'no date': (_, res) => {
    res.sendDate = false;
    res.end('hello');
  },
  'a connection that closes': (_, res) => {
    res.setHeader('Connection', 'close');
    res.end('hello');
  },
  'a connection that closes, as the program says of the response': (_, res) => {
    res.shouldKeepAlive = false;
    res.end('hello');
  },
  'a time of its own': (_, res) => {
    res.setHeader('Keep-Alive', 'timeout=1');
    res.end('hello');
  },
  'chunks by name': (_, res) => {
    res.setHeader('Transfer-Encoding', 'chunked');
    res.end('hello');
  },
  'fields taken back': (_, res) => {
    res.setHeader('X-A', 'b');
    res.removeHeader('X-A');
    res.removeHeader('Connection');
    res.end('hello');
  },
  'a length taken back': (_, res) => {
    res.removeHeader('Content-Length');
    res.end('hello');
  },
  'a file name': (_, res) => {
    res.setHeader('Content-Disposition', 'attachment; filename="h\u00e9"');
    res.end('hello');
  },
  'a status': (_, res) => {
    res.statusCode = 404;
    res.end('no');
  },
  'a status without a body': (_, res) => {
    res.statusCode = 204;
    res.end();
  },
  'nothing new': (_, res) => {
    res.statusCode = 304;
    res.end('ignored');
  },
  'a status in text': (_, res) => {
    res.statusCode = '404' as unknown as number;
    res.end('no');
    last.push(res.statusCode);
  },
  'a status in text, without a body': (_, res) => {
    res.statusCode = '204' as unknown as number;
    res.end('no');
  },
  'a status of its own': (_, res) => {
    res.statusCode = 299;
    res.end('hello');
  },
  'a reason of its own': (_, res) => {
    res.statusMessage = 'Fine';
    res.end('hello');
  },
  'a head at once': (_, res) => {
    res.writeHead(201, { 'Content-Type': 'text/plain', 'Content-Length': 5 });
    res.end('hello');
  },
  'a head at once, without a length': (_, res) => {
    res.setHeader('X-A', 'b');
    res.writeHead(201, 'Made', { 'Content-Type': 'text/plain' });
    res.end('hello');
  },
  'a head of pairs': (_, res) => {
    res.writeHead(200, ['X-A', 'b', 'X-A', 'c']);
    res.end('hello');
  },
  'a head that is sent first': (_, res) => {
    res.flushHeaders();
    res.end('hello');
  },
  pieces: (_, res) => {
    res.write('he');
    res.write('llo');
    res.end();
  },
  'pieces over time': (_, res) => {
    res.write('he');
    setImmediate(() => res.end('llo'));
  },
  'pieces held together': (_, res) => {
    res.cork();
    res.write('he');
    res.end('llo');
  },
  'pieces that wait for room': (_, res) => {
    let left = 5;
    const more = () => {
      if (left-- === 0) return void res.end();
      if (res.write('x'.repeat(70_000))) setImmediate(more);
      else res.once('drain', more);
    };
    more();
  },
  trailers: (_, res) => {
    res.writeHead(200, { Trailer: 'X-T', 'Transfer-Encoding': 'chunked' });
    res.write('a');
    res.addTrailers({ 'X-T': 'b' });
    res.end();
  },
  'something before the answer': (_, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.writeProcessing();
    res.end('hello');
  },
  much: (_, res) => res.end('x'.repeat(300_000)),
  'more than once': (_, res) => {
    res.end('hello');
    res.end();
  },
  'a head that middleware changes at the last moment': (_, res) => {
    const { writeHead } = res;
    res.writeHead = ((...args: Parameters<typeof writeHead>) => {
      res.setHeader('X-Late', '1');
      return writeHead.apply(res, args);
    }) as typeof writeHead;
    res.end('hello');
  },
  later: (_, res) => void setImmediate(() => res.end('hello')),
  'the body that came': (req, res) => void req.pipe(res),
  'a body that is awaited': async (req, res) => {
    let text = '';
    for await (const chunk of req) text += String(chunk);
    res.end(text);
  },
  'objects with other prototypes, as Express does': (req, res) => {
    Object.setPrototypeOf(req, Object.create(IncomingMessage.prototype));
    Object.setPrototypeOf(res, Object.create(ServerResponse.prototype));
    res.setHeader('X-A', 'b');
    req.on('data', (data: Buffer) => res.write(data));
    req.on('end', () => res.end(JSON.stringify(req.headers)));
  },
  'what a request is': (req, res) => {
    const { complete, aborted, httpVersionMajor, rawHeaders, headers, headersDistinct, trailers } = req;
    headers['x-b'] = 'added';
    const { headersSent, writableEnded, statusCode } = res;
    res.end(
      JSON.stringify([
        complete,
        aborted,
        httpVersionMajor,
        rawHeaders,
        headers,
        headersDistinct,
        trailers,
        headersSent,
        writableEnded,
        statusCode,
      ]),
    );
  },
  'what a response is, once it has ended': (_, res) => {
    res.end('hello');
    const state = [res.headersSent, res.finished, res.writableEnded, res.statusMessage, res.destroyed];
    res.on('close', () => {
      state.push(res.writableFinished, res.destroyed, res.socket === null);
      after(() => last.push(state));
    });
  },
};

/** What the handlers above have noted, in turns of node:http and of lean. */
const last: unknown[] = [];
const after = (action: () => void) => action();

test.each(Object.keys(answers))('answers %s as node:http does', async (name) => {
  const comparison = new Comparison(answers[name] as RequestListener);
  for (const text of [GET, POST, GET + GET + POST, GET.replace('GET', 'HEAD')]) {
    last.length = 0;
    const { node, lean } = (await comparison.difference(split(text, []))) ?? {};
    // What is written in pieces is cut by how the turns fall.
    if (node?.output.includes('Transfer-Encoding: chunked')) expect(joined(lean)).toEqual(joined(node));
    else expect(lean).toEqual(node);
    expect(last.slice(last.length / 2)).toEqual(last.slice(0, last.length / 2));
  }
});

test.each([GET, POST])(
  'a request tells of its end, and a response of its, in the order of node:http: %j',
  async (text) => {
    const orders: string[][] = [];
    for (const isLean of [false, true]) {
      const events: string[] = [];
      const bench = new Bench((req, res) => {
        for (const event of ['end', 'close']) req.on(event, () => events.push(`request ${event}`));
        for (const event of ['prefinish', 'finish', 'close'])
          res.on(event, () => events.push(`response ${event}`));
        res.end('hello', () => events.push('callback'));
      }, isLean);
      bench.connect().send(Buffer.from(text));
      await expect.poll(() => events.length).toBe(6);
      orders.push(events);
    }
    const [node = [], lean = []] = orders;
    for (const ofRequest of [true, false]) {
      const own = (event: string) => event.startsWith('request') === ofRequest;
      expect(lean.filter(own)).toEqual(node.filter(own));
    }
  },
);

test.each([false, true])(
  'what is written behind the end of an answer is an error of it, lean: %j',
  async (isLean) => {
    const codes: unknown[] = [];
    const bench = new Bench((_, res) => {
      res.on('error', (error) => codes.push((error as NodeJS.ErrnoException).code));
      res.end('hello');
      res.write('more');
      res.end('more');
    }, isLean);
    await exchange(bench.connect(), GET);
    expect(codes).toEqual(['ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_WRITE_AFTER_END']);
  },
);

test('an answer that is whole goes past what node:http sends pieces by, also as Fastify ends it', async () => {
  let pieces = 0;
  const bench = new Bench((_, res) => {
    const { _send: send } = res as unknown as { readonly _send: (...args: unknown[]) => boolean };
    const counted = (...args: unknown[]) => {
      pieces++;
      return send.apply(res, args);
    };
    Object.assign(res, { _send: counted });
    res.writeHead(200, { 'content-length': '5' });
    res.end('hello', null as never, null as never);
  }, true);
  const client = bench.connect();
  await exchange(client, GET);
  expect(client.output).toContain('hello');
  expect(pieces).toBe(0);
});

test.each(['setHeader', 'writeHead'])(
  'a method end that the program gives all responses is called, after %s',
  async (by) => {
    const { end } = ServerResponse.prototype;
    onTestFinished(() => {
      ServerResponse.prototype.end = end;
    });
    const ended: unknown[] = [];
    const bench = new Bench((_, res) => {
      if (by === 'writeHead') res.writeHead(200, { 'Content-Length': '5' });
      else res.setHeader('Content-Length', '5');
      res.end('hello');
    }, true);
    ServerResponse.prototype.end = function (this: ServerResponse, ...args: Parameters<typeof end>) {
      ended.push(args[0]);
      return end.apply(this, args);
    } as typeof end;
    const client = bench.connect();
    await exchange(client, GET);
    expect(ended).toEqual(['hello']);
    expect(client.output).toMatch(/hello$/);
  },
);

test('two requests with the same fields have each an object of headers of their own', async () => {
  const seen: unknown[] = [];
  const bench = new Bench((req, res) => {
    seen.push(structuredClone(req.headers));
    req.headers['x-a'] = 'changed';
    req.headers['set-cookie']?.push('c=d');
    req.rawHeaders[1] = 'changed';
    res.end();
  }, true);
  const text = GET.replace('X-A', 'Set-Cookie: a=b\r\nX-A');
  await exchange(bench.connect(), text + text + text);
  const headers = { host: 'a', 'set-cookie': ['a=b'], 'x-a': 'b' };
  expect(seen).toEqual([headers, headers, headers]);
});

test('what a handler enters stays with its connection', async () => {
  const storage = new AsyncLocalStorage<number>();
  const seen: unknown[] = [];
  let count = 0;
  const bench = new Bench((_, res) => {
    seen.push(storage.getStore());
    storage.enterWith(++count);
    const own = count;
    res.on('finish', () => seen.push(storage.getStore() === own));
    res.end();
  }, true);
  const [one, other] = [bench.connect(), bench.connect()];
  one.send(Buffer.from(GET));
  other.send(Buffer.from(GET));
  await expect.poll(() => seen.length).toBe(4);
  expect(seen).toEqual([undefined, undefined, true, true]);
  expect(storage.getStore()).toBeUndefined();
});

test('a request whose client is gone is aborted, and its response closed', async () => {
  const events: string[] = [];
  let isTaken = false;
  const bench = new Bench((req, res) => {
    isTaken = true;
    req.on('aborted', () => events.push('aborted'));
    req.on('error', (error) => events.push((error as NodeJS.ErrnoException).code as string));
    res.on('close', () => events.push(`close ${res.writableFinished}`));
  }, true);
  const client = bench.connect();
  client.send(Buffer.from(GET));
  expect(isTaken).toBe(true);
  client.close();
  await expect.poll(() => events.length).toBe(3);
  expect(events.sort()).toEqual(['ECONNRESET', 'aborted', 'close false']);
});

test('a request that nobody has read ends for those who ask later', async () => {
  const requests: IncomingMessage[] = [];
  const bench = new Bench((req, res) => {
    res.on('close', () => setImmediate(() => requests.push(req)));
    res.end();
  }, true);
  bench.connect().send(Buffer.from(POST));
  await expect.poll(() => requests.length).toBe(1);
  await finished(requests[0] as IncomingMessage);
});

test('an idle connection is closed after the time that its client was told, and a second', async () => {
  const bench = new Bench((_, res) => res.end(), true);
  bench.server.keepAliveTimeout = 1;
  Object.assign(bench.server, { keepAliveTimeoutBuffer: 1 });
  const client = bench.connect();
  client.send(Buffer.from(GET));
  expect(client.isEnded).toBe(false);
  await expect.poll(() => client.isEnded, { timeout: 10_000 }).toBe(true);
});

test('closing idle connections leaves those that are being answered', async () => {
  const waiting: ServerResponse[] = [];
  const bench = new Bench((_, res) => void waiting.push(res), true);
  const [idle, busy] = [bench.connect(), bench.connect()];
  busy.send(Buffer.from(GET));
  bench.server.closeIdleConnections();
  expect([idle.isEnded, busy.isEnded]).toEqual([true, false]);
  waiting[0]?.end('hello');
  await expect.poll(() => busy.output).toMatch(/hello$/);
  bench.server.closeAllConnections();
  expect(busy.isEnded).toBe(true);
});

test('closing idle connections leaves those of which a request has begun to come', async () => {
  const bench = new Bench((_, res) => res.end('hello'), true);
  const client = bench.connect();
  client.send(Buffer.from(POST.slice(0, -3)));
  bench.server.closeIdleConnections();
  client.send(Buffer.from(POST.slice(-3)));
  expect(client.output).toMatch(/hello$/);
});

test('a request that comes byte by byte is left to node:http, with its time-outs', () => {
  vi.useFakeTimers();
  const bench = new Bench((_, res) => res.end('hello'), true);
  const client = bench.connect();
  client.send(Buffer.from('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n'));
  try {
    for (let sent = 0; sent < 4; sent++) {
      vi.advanceTimersByTime(50);
      client.send(Buffer.from('x'));
    }
    expect(client.isLean).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

test('what is kept of header fields is bounded, whatever came with them', async () => {
  const bench = new Bench((req, res) => res.end(req.headers.host), true);
  const client = bench.connect();
  const before = await heapUsed();
  for (let i = 0; i < 10_000; i++) {
    const head = `POST /a HTTP/1.1\r\nHost: a\r\nX-A: ${i + 100_000_000_000}\r\nContent-Length: 4000`;
    client.send(Buffer.from(`${head}\r\n\r\n${'x'.repeat(4_000)}`));
    client.clear();
  }
  expect((await heapUsed()) - before).toBeLessThan(8 << 20);
});

test('a request that stays incomplete is left to node:http, with its time-outs', async () => {
  const bench = new Bench((_, res) => res.end('hello'), true);
  const client = bench.connect();
  client.send(Buffer.from(GET.slice(0, -3)));
  expect(client.isLean).toBe(true);
  await expect.poll(() => client.isLean, { timeout: 10_000 }).toBe(false);
  client.send(Buffer.from(GET.slice(-3)));
  await expect.poll(() => client.output).toMatch(/hello$/);
});

test('what asks for another protocol is left to node:http, behind what was asked before', async () => {
  const bench = new Bench((_, res) => res.end('hello'), true);
  const upgraded = once(bench.server, 'upgrade');
  const client = bench.connect();
  client.send(Buffer.from(GET));
  expect(client.isLean).toBe(true);
  client.send(Buffer.from(GET.replace('X-A: b', 'Connection: Upgrade\r\nUpgrade: websocket')));
  const [request] = await upgraded;
  expect(request.headers.upgrade).toBe('websocket');
  expect(client.output).toMatch(/hello$/);
});

test('a request is looked at as often, however many wait behind it', async () => {
  const bench = new Bench((_, res) => void setImmediate(() => res.end()), true);
  // Each look makes text of what is looked at.
  const looks = vi.spyOn(Buffer.prototype, 'toString');
  onTestFinished(() => looks.mockRestore());
  const counts: number[] = [];
  for (const waiting of [1, 1_000]) {
    const client = bench.connect();
    client.send(Buffer.from(GET.repeat(waiting)));
    looks.mockClear();
    for (let i = 0; i < 100; i++) {
      client.send(Buffer.from(GET));
      await new Promise((resolve) => setImmediate(resolve));
    }
    counts.push(looks.mock.calls.length);
    client.close();
  }
  const [few = 0, many = 0] = counts;
  expect(few).toBeGreaterThan(100);
  expect(many).toBeLessThan(2 * few);
});

/** The same without the sizes of chunks. */
function joined(outcome: Outcome | undefined): object | undefined {
  return outcome && { isEnded: outcome.isEnded, output: outcome.output.replaceAll(/\r\n[0-9a-f]+\r\n/g, '') };
}

/** Bytes of the heap that something still has, once what has just ended is over. */
async function heapUsed(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

async function exchange(client: Client, text: string): Promise<void> {
  client.send(Buffer.from(text, 'latin1'));
  await new Promise((resolve) => setImmediate(resolve));
}
