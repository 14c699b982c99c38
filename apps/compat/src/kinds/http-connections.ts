import { request as askHttp, Agent as HttpAgent, type RequestOptions } from 'node:http';
import { request as askHttps, Agent as HttpsAgent } from 'node:https';
import { Exchange, exchange, exchangeApart, request, seen } from '../wire/exchange.js';
import { serverHasRead } from '../wire/round-trip.js';
import { Wire } from '../wire/wire.js';
import type { Kind, Site } from './kind.js';

const BROKEN_BEHIND_OTHERS = [
  request('GET', '/users/1'),
  request('GET', '/users/2'),
  { method: 'GET', bytes: Buffer.from('GET / HTTP/1.1\r\nBad Header: x\r\n\r\n') },
];

/** What several requests on one connection, and its end, come to. */
export const HTTP_CONNECTIONS: readonly Kind[] = [
  {
    says: 'answers 50 requests one after another on one connection',
    run: async (site) => {
      using connection = await Exchange.open(site);
      for (let at = 0; at < 50; at++) {
        await connection.ask(request('POST', '/echo', { body: `request ${at}` }));
        await connection.answered();
      }
      return seen(connection);
    },
    shows: /request 49/,
  },
  {
    says: 'answers pipelined requests in their order, slow ones too',
    run: (site) =>
      exchange(site, [
        request('GET', '/slow'),
        request('GET', '/users/1'),
        request('POST', '/echo', { body: 'the third' }),
        request('HEAD', '/slow'),
        request('GET', '/nowhere'),
        request('POST', '/echo', { body: 'in chunks', chunked: 2 }),
        ...Array.from({ length: 20 }, (_, at) => request('GET', `/users/${at}`)),
        request('GET', '/slow', { close: true }),
      ]),
    shows: /at last.*the third.*at last/,
  },
  {
    says: 'closes the connection of a broken request behind others, answered or not',
    run: (site) => exchange(site, BROKEN_BEHIND_OTHERS),
    apart: (plain) => exchangeApart(plain, BROKEN_BEHIND_OTHERS),
    shows: /HTTP\/1.1 (200|400)/,
  },
  {
    says: 'answers nothing behind a request that closes the connection',
    run: (site) => exchange(site, [request('GET', '/users/1', { close: true }), request('GET', '/users/2')]),
    shows: /"end":"end"/,
  },
  {
    says: 'serves an agent of node:http that keeps its connections',
    run: async (site) => {
      const agent = site.tls
        ? new HttpsAgent({ keepAlive: true, maxSockets: 2 })
        : new HttpAgent({ keepAlive: true, maxSockets: 2 });
      try {
        const ports = new Set<number | undefined>();
        const each = Array.from({ length: 20 }, async (_, at) => {
          const { status, body, port } = await post(site, `/echo`, `body ${at}`, agent);
          ports.add(port);
          return `${status} ${body}`;
        });
        return { answers: await Promise.all(each), connections: ports.size };
      } finally {
        agent.destroy();
      }
    },
    shows: /200 body 19.*"connections":2/,
  },
  {
    says: 'answers a client that sends no more once it has asked',
    run: async (site) => {
      using connection = await Exchange.open(site);
      await connection.ask(request('GET', '/users/1'));
      if (site.tls !== undefined) await serverHasRead(site);
      connection.wire.finish();
      await connection.wire.over();
      return seen(connection);
    },
    shows: /"end":"end"/,
  },
  {
    says: 'answers a client that ends in the middle of a header',
    run: async (site) => {
      using connection = await Exchange.open(site);
      connection.reader.ask('GET');
      await connection.wire.send('GET / HTTP/1.1\r\nHost: local');
      connection.wire.finish();
      await connection.wire.over();
      return seen(connection);
    },
    shows: /400 Bad Request/,
  },
  {
    says: 'answers others when a client comes, says nothing and goes, or resets',
    run: async (site) => {
      for (const way of ['finish', 'reset', 'destroy'] as const) {
        using wire = await Wire.connect(site);
        if (way === 'destroy') wire.socket.destroy();
        else wire[way]();
      }
      return exchange(site, [request('GET', '/', { close: true })]);
    },
    shows: /200 OK/,
  },
  {
    says: 'asks for the body of a client that waits for 100 Continue',
    run: async (site) => {
      using connection = await Exchange.open(site);
      const { method, bytes } = request('POST', '/echo', {
        body: 'as promised',
        headers: { Expect: '100-continue' },
        close: true,
      });
      const head = bytes.indexOf('\r\n\r\n') + 4;
      connection.reader.ask(method);
      await connection.wire.send(bytes.subarray(0, head));
      await connection.wire.contains('100 Continue\r\n\r\n');
      await connection.wire.send(bytes.subarray(head));
      await connection.wire.over();
      return seen(connection);
    },
    shows: /100 Continue.*as promised/,
  },
  {
    says: 'refuses an expectation that it cannot meet',
    run: (site) => exchange(site, [request('GET', '/', { headers: { Expect: 'miracles' }, close: true })]),
    shows: /417 Expectation Failed/,
  },
  {
    says: 'refuses a body before it has come',
    needs: 'refuse',
    run: async (site) => {
      using connection = await Exchange.open(site);
      connection.reader.ask('POST');
      await connection.wire.send(
        'POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\nX-Refuse: 1\r\n\r\n',
      );
      await connection.wire.over();
      return seen(connection);
    },
    shows: /417/,
  },
];

function post(
  { port, tls }: Site,
  path: string,
  body: string,
  agent: HttpAgent | HttpsAgent,
): Promise<{ status: number | undefined; body: string; port: number | undefined }> {
  const options: RequestOptions = { host: '127.0.0.1', port, path, method: 'POST', agent };
  return new Promise((resolve, reject) => {
    const asked = (tls === undefined ? askHttp(options) : askHttps({ ...options, ...tls }))
      .on('response', (answer) => {
        let text = '';
        const { localPort } = answer.socket;
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, body: text, port: localPort }));
      })
      .on('error', reject);
    asked.setHeader('Content-Type', 'text/plain');
    asked.end(body);
  });
}
