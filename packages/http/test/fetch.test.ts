import { type FetchHandler, fetchListener } from '@millrace/http/fetch';
import { until } from '@millrace/testkit';
import { describe, expect, test, vi } from 'vitest';
import { Bench, type Client } from './fuzz/connection.js';

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\nx-a: c\r\n\r\n';
const post = (body: string) => `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

interface Opened extends AsyncDisposable {
  readonly client: Client;
  readonly errors: readonly unknown[];
  ask(request: string): Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe.each([
  ['node:http', false],
  ['lean', true],
])('a fetch handler over %s', (_, isLean) => {
  function open(handler: FetchHandler): Opened {
    const errors: unknown[] = [];
    const bench = new Bench(fetchListener(handler, { onError: (error) => errors.push(error) }), isLean);
    const client = bench.connect();
    return {
      client,
      errors,
      ask: async (request) => {
        client.clear();
        client.send(Buffer.from(request, 'latin1'));
        await until(
          () => `an answer, of ${client.output}`,
          () => isWhole(client.output, request.startsWith('HEAD')),
        );
        return answerOf(client.output);
      },
      [Symbol.asyncDispose]: async () => client.close(),
    };
  }

  test('is given the request, which is a Request, with what the client has sent', async () => {
    let isRequest = false;
    await using served = open((request) => {
      isRequest = request instanceof Request;
      const { method, url, headers, bodyUsed, body } = request;
      return Response.json([method, url, [...headers], bodyUsed, body]);
    });
    const { status, headers, body } = await served.ask(GET);
    expect([status, headers['content-type'], isRequest]).toEqual([200, 'application/json', true]);
    expect(JSON.parse(body)).toEqual([
      'GET',
      'http://a.example/a?b=c',
      [
        ['host', 'a.example'],
        ['x-a', 'b, c'],
      ],
      false,
      null,
    ]);
  });

  test('gives the request on to everything that takes one', async () => {
    await using served = open(async (request) => {
      const [copy, clone] = [new Request(request), new Request(request.url, request)];
      const changed = new Request(request.clone(), { headers: { 'x-a': 'd' } });
      return Response.json([
        copy.url,
        clone.headers.get('x-a'),
        changed.headers.get('x-a'),
        request.redirect,
      ]);
    });
    expect(JSON.parse((await served.ask(GET)).body)).toEqual([
      'http://a.example/a?b=c',
      'b, c',
      'd',
      'follow',
    ]);
  });

  test('reads the body in each of the ways that there are, once', async () => {
    const ways: readonly ((request: Request) => Promise<unknown>)[] = [
      (request) => request.text(),
      (request) => request.json(),
      async (request) => Buffer.from(await request.arrayBuffer()).toString(),
      async (request) => (await request.blob()).text(),
      async (request) => {
        let text = '';
        for await (const chunk of request.body as ReadableStream<Uint8Array>) text += Buffer.from(chunk);
        return text;
      },
      (request) => new Request(request).text(),
      (request) => request.clone().text(),
    ];
    for (const way of ways) {
      await using served = open(async (request) => Response.json([await way(request)]));
      const [body] = JSON.parse((await served.ask(post('{"a":1}'))).body);
      expect(typeof body === 'string' ? JSON.parse(body) : body).toEqual({ a: 1 });
      // The connection goes on.
      expect((await served.ask(post('[2]'))).status).toBe(200);
    }
    await using served = open(async (request) => {
      await request.text();
      return Response.json([request.bodyUsed, await request.text().catch((error) => error.name)]);
    });
    expect(JSON.parse((await served.ask(post('a'))).body)).toEqual([true, 'TypeError']);
  });

  test('may leave the body, or the rest of it, and the next request is answered', async () => {
    let reads = 0;
    await using served = open(async ({ body, method }) => {
      if (method === 'POST' && reads++ === 1) await body?.cancel();
      return new Response(`${method}\n`);
    });
    for (let i = 0; i < 2; i++) expect((await served.ask(post('a'.repeat(100_000)))).body).toBe('POST\n');
    expect((await served.ask(GET)).body).toBe('GET\n');
  });

  test('takes no more of a body from the client than it reads', async () => {
    let go = () => {};
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    let bytes = 0;
    await using served = open(async ({ body }) => {
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      bytes += (await reader.read()).value?.length ?? 0;
      await gone;
      for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.length;
      return new Response(`${bytes}\n`);
    });
    const { client } = served;
    client.send(Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1 << 20}\r\n\r\n`));
    for (let i = 0; i < 16; i++) client.send(Buffer.alloc(1 << 16));
    await until('the first chunk', () => bytes > 0);
    expect(bytes).toBeLessThan(1 << 20);
    go();
    await until('the answer', () => client.output.endsWith(`${1 << 20}\n`));
  });

  test('answers with a head that says all, and each kind of body', async () => {
    const bodies: readonly [ConstructorParameters<typeof Response>[0], string][] = [
      ['text \u00e9', Buffer.from('text \u00e9').toString('latin1')],
      [new Uint8Array([97, 98]), 'ab'],
      [new Uint8Array([97, 98]).buffer, 'ab'],
      [new Blob(['x', 'y']), 'xy'],
      [new URLSearchParams({ a: 'b' }), 'a=b'],
      ['', ''],
      [null, ''],
      [new ReadableStream({ start: (it) => giveAll(it, Buffer.from('ab')) }), 'ab'],
      [new ReadableStream({ start: (it) => it.close() }), ''],
    ];
    for (const [init, body] of bodies) {
      await using served = open(() => {
        const headers = new Headers({ 'X-A': 'a' });
        headers.append('Set-Cookie', 'a=b');
        headers.append('Set-Cookie', 'c=d');
        return new Response(init, { status: 201, statusText: 'Made', headers });
      });
      const answer = await served.ask(GET);
      expect(answer).toMatchObject({ status: 201, body });
      expect(served.client.output).toMatch(
        /^HTTP\/1\.1 201 Made\r\n.*set-cookie: a=b\r\nset-cookie: c=d\r\n/is,
      );
      // What a Blob gives may come later.
      if (!(init instanceof Blob)) expect(answer.headers['content-length']).toBe(`${body.length}`);
      expect(answer.headers['x-a']).toBe('a');
    }
  });

  test('sends a stream as it comes, no faster than the client takes it, the head before the first chunk', async () => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    await using served = open(
      () =>
        new Response(
          new ReadableStream({
            start: (it) => {
              controller = it;
            },
          }),
        ),
    );
    const { client } = served;
    client.send(Buffer.from(GET));
    await until('the head', () => client.output.includes('\r\n\r\n'));
    for (const text of ['one', 'two']) {
      controller?.enqueue(Buffer.from(text));
      await until(text, () => client.output.includes(`3\r\n${text}\r\n`));
    }
    controller?.close();
    await until('the end', () => client.output.endsWith('0\r\n\r\n'));
    expect((await served.ask(GET.replace('GET', 'HEAD'))).status).toBe(200);
  });

  test('has no body where there can be none, nor for HEAD, of which it tells the length', async () => {
    let cancelled = 0;
    const stream = () => new ReadableStream({ cancel: () => void cancelled++ });
    const responses = [
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 304 }),
      () => new Response('hello'),
      () => new Response(stream()),
    ];
    for (const [i, make] of responses.entries()) {
      await using served = open(make);
      const request = i < 2 ? GET : GET.replace('GET', 'HEAD');
      const { status, body, headers } = await served.ask(request);
      expect([status, body]).toEqual([[204, 304, 200, 200][i], '']);
      if (
        i === 2 &&
        process.versions.node.startsWith('2') &&
        Number(process.versions.node.split('.')[0]) < 24
      )
        expect(headers['content-length']).toBe('5');
    }
    await until('the stream to be cancelled', () => cancelled === 1);
  });

  test.each<[string, FetchHandler]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('secret');
      },
    ],
    ['returns no response', () => 'secret' as unknown as Response],
    ['returns an error', () => Response.error()],
    [
      'returns a response that was read',
      async () => {
        const response = new Response('secret');
        await response.text();
        return response;
      },
    ],
    [
      'returns a body that fails',
      () => new Response(new ReadableStream({ pull: (it) => it.error(new Error('secret')) })),
    ],
    [
      'returns a body of text',
      () =>
        new Response(new ReadableStream({ pull: (it) => giveAll(it, 'secret' as unknown as Uint8Array) })),
    ],
  ])(
    'one that %s is answered 500, of which the program is told once and the client nothing',
    async (_name, handler) => {
      await using served = open(handler);
      const { status, body, headers } = await served.ask(GET);
      expect([status, body, headers['content-type']]).toEqual([500, 'Internal Server Error\n', 'text/plain']);
      expect(served.errors).toHaveLength(1);
      expect((await served.ask(GET)).status).toBe(500);
      expect(served.errors).toHaveLength(2);
    },
  );

  test('an answer whose body fails on its way is broken off, and told once', async () => {
    let fail = (_: Error) => {};
    await using served = open(
      () =>
        new Response(
          new ReadableStream({
            start: (it) => {
              it.enqueue(Buffer.from('one'));
              fail = (error) => it.error(error);
            },
          }),
        ),
    );
    const { client, errors } = served;
    client.send(Buffer.from(GET));
    await until('the beginning', () => client.output.includes('one'));
    fail(new Error('secret'));
    await until('the end', () => client.isEnded);
    expect(client.output).not.toMatch(/secret|0\r\n\r\n$/);
    expect(errors).toEqual([new Error('secret')]);
  });

  test('the signal is aborted when the client leaves, and not when it has its answer', async () => {
    const signals: AbortSignal[] = [];
    const handler: FetchHandler = async (request) => {
      signals.push(request.signal);
      if (request.method === 'GET') return new Response('done');
      await new Promise((_, reject) =>
        request.signal.addEventListener('abort', () => reject(request.signal.reason)),
      );
      return new Response('never');
    };
    await using served = open(handler);
    await served.ask(GET);
    served.client.send(Buffer.from(post('a')));
    await until('the second request', () => signals.length === 2);
    served.client.close();
    await until('the abort', () => signals[1]?.aborted === true);
    expect(signals[0]?.aborted).toBe(false);
    expect(served.errors).toEqual([]);
  });

  test('a stream that is answered with is cancelled when the client leaves', async () => {
    const cancelled = vi.fn();
    await using served = open(
      () =>
        new Response(
          new ReadableStream({ start: (it) => it.enqueue(Buffer.from('one')), cancel: cancelled }),
        ),
    );
    served.client.send(Buffer.from(GET));
    await until('the beginning', () => served.client.output.includes('one'));
    served.client.close();
    await until('the cancelling', () => cancelled.mock.calls.length === 1);
    expect(served.errors).toEqual([]);
  });

  test.each([
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a host with a user', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
    ['a port that is none', 'GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400],
    ['an address of another kind', 'GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ])('%s is no request for it', async (_name, request, status) => {
    const handler = vi.fn<FetchHandler>(() => new Response());
    await using served = open(handler);
    expect((await served.ask(request)).status).toBe(status);
    expect(handler).not.toHaveBeenCalled();
  });

  test.each([
    ['/a/../b?c', 'a', 'http://a/b?c'],
    ['//b/c', 'a', 'http://a//b/c'],
    ['/%41 b'.replace(' ', '%20'), 'A.Example:80', 'http://a.example/%41%20b'],
    ['/', '[::1]:8080', 'http://[::1]:8080/'],
    ['/?a=../b', 'a:8080', 'http://a:8080/?a=../b'],
    ['http://c/d', 'a', 'http://c/d'],
    ['/a.b/c.html', '127.1', 'http://127.0.0.1/a.b/c.html'],
  ])('the address of %s at %s is %s', async (target, host, url) => {
    await using served = open((request) => new Response(request.url));
    expect((await served.ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).body).toBe(url);
  });
});

function giveAll(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
  controller.enqueue(bytes);
  controller.close();
}

function isWhole(output: string, isHead: boolean): boolean {
  const head = output.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const { status, headers } = answerOf(output);
  if (isHead || status === 204 || status === 304) return true;
  const length = headers['content-length'];
  if (length === undefined) return output.endsWith('0\r\n\r\n');
  return output.length >= head + 4 + Number(length);
}

function answerOf(output: string): Answer {
  const [head = '', body = ''] = output.split(/\r\n\r\n(.*)/s);
  const [line = '', ...fields] = head.split('\r\n');
  const headers = fields.map((field) => {
    const [name = '', value = ''] = field.split(/: (.*)/s);
    return [name.toLowerCase(), value] as const;
  });
  const names = Object.fromEntries(headers);
  const whole =
    names['transfer-encoding'] === undefined
      ? body
      : body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').trimEnd();
  return { status: Number(line.split(' ')[1]), headers: names, body: whole };
}
