import { request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import { Exchange, exchange, request, seen } from '../wire/exchange.js';
import type { Kind } from './kind.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'] as const;

/** Requests whose answers are small, over connections of their own. */
export const HTTP_ANSWERS: readonly Kind[] = [
  {
    says: 'greets',
    run: (site) => exchange(site, [request('GET', '/', { close: true })]),
    shows: /HTTP\/1.1 200 OK/,
  },
  {
    says: 'answers every method, those it does not allow too',
    run: async (site) => {
      const answers: unknown[] = [];
      for (const method of METHODS) {
        answers.push(await exchange(site, [request(method, '/echo', { body: 'the body', close: true })]));
      }
      return answers;
    },
    shows: /the body/,
  },
  {
    says: 'has 404 for what it does not know',
    run: (site) => exchange(site, [request('GET', '/nowhere?x=1', { close: true })]),
    shows: /404 Not Found/,
  },
  {
    says: 'reads the path and the query',
    run: (site) => exchange(site, [request('GET', '/users/ad%61%20l?page=2&x=%C3%A9', { close: true })]),
    shows: /page/,
  },
  {
    says: 'answers HEAD with the headers of GET, and the next request on the connection',
    run: (site) =>
      exchange(site, [
        request('HEAD', '/'),
        request('HEAD', '/nowhere'),
        request('GET', '/', { close: true }),
      ]),
    shows: /"body":""/,
  },
  {
    says: 'reads 200 headers, and one of 8 KB',
    run: (site) => {
      const headers = Object.fromEntries(
        Array.from({ length: 200 }, (_, at) => [`X-Header-${at}`, `value ${at}`]),
      );
      return exchange(site, [
        request('GET', '/', { headers }),
        request('GET', '/', { headers: { Cookie: `a=${'c'.repeat(8_000)}` }, close: true }),
      ]);
    },
    shows: /200 OK.*200 OK/,
  },
  {
    says: 'refuses headers that are too large',
    // Of a length that comes in one segment, and that one read takes: bytes that node had not read would make its close a reset,
    // after which there may be no answer to see.
    run: (site) => exchange(site, [request('GET', '/', { headers: { Cookie: 'c'.repeat(20_000) } })]),
    shows: /431/,
  },
  {
    says: 'refuses what is no HTTP',
    run: (site) => exchange(site, [{ method: 'GET', bytes: Buffer.from('HELO mail.example\r\n\r\n') }]),
    shows: /400 Bad Request/,
  },
  {
    says: 'answers a request without Host',
    run: (site) =>
      exchange(site, [{ method: 'GET', bytes: Buffer.from('GET / HTTP/1.1\r\nConnection: close\r\n\r\n') }]),
    shows: /HTTP\/1.1 (200|400)/,
  },
  {
    says: 'answers HTTP/1.0, with the connection kept and without',
    run: async (site) => [
      await exchange(site, [request('GET', '/', { version: '1.0' })]),
      await exchange(site, [
        request('GET', '/', { version: '1.0', headers: { Connection: 'keep-alive' } }),
        request('GET', '/', { version: '1.0' }),
      ]),
    ],
    shows: /200 OK/,
  },
  {
    says: 'does as it did before when an upgrade is asked for that it does not know',
    run: (site) =>
      exchange(site, [
        request('GET', '/', { headers: { Connection: 'Upgrade, close', Upgrade: 'example/1' } }),
      ]),
    // Next.js ends the connection.
    shows: /200 OK|"answers":\[\],"end":"end"/,
  },
  {
    says: 'answers a request that comes byte by byte',
    run: async (site) => {
      using connection = await Exchange.open(site);
      const { method, bytes } = request('POST', '/echo', {
        body: 'abc',
        headers: { 'Content-Type': 'text/x-test' },
        close: true,
      });
      connection.reader.ask(method);
      for (const byte of bytes) await connection.wire.send(Buffer.of(byte));
      await connection.wire.over();
      return seen(connection);
    },
    shows: /abc/,
  },
  {
    says: 'answers the client of node:http',
    run: (site) =>
      new Promise((resolve, reject) => {
        const ask = site.tls === undefined ? askHttp : askHttps;
        const headers = { Accept: '*/*' };
        ask(
          { host: '127.0.0.1', port: site.port, path: '/users/7', agent: false, headers, ...site.tls },
          (answer) => {
            let body = '';
            answer.setEncoding('utf8').on('data', (text: string) => {
              body += text;
            });
            answer.on('end', () =>
              resolve({ status: answer.statusCode, body, names: Object.keys(answer.headers) }),
            );
          },
        )
          .on('error', reject)
          .end();
      }),
    shows: /"status":200/,
  },
  {
    says: 'serves ranges of a file, and says that it has not changed',
    needs: 'static',
    run: async (site) => {
      const get = (headers: Record<string, string>) =>
        exchange(site, [request('GET', '/static/file.txt', { headers, close: true })]);
      const [first] = (await get({})).answers as { headers: string[] }[];
      const etag = first?.headers.find((header) => /^etag: /i.test(header))?.slice('etag: '.length);
      const since = first?.headers
        .find((header) => /^last-modified: /i.test(header))
        ?.slice('last-modified: '.length);
      const conditions: Record<string, string> = etag !== undefined ? { 'If-None-Match': etag } : {};
      if (since !== undefined) conditions['If-Modified-Since'] = since;
      return [
        first,
        await get({ Range: 'bytes=0-99' }),
        await get({ Range: 'bytes=-10' }),
        await get({ Range: 'bytes=500-' }),
        await get({ Range: 'bytes=99999999-' }),
        await get({ Range: 'bytes=0-4,10-14' }),
        await get(conditions),
      ];
    },
    shows: /206 Partial Content/,
  },
  {
    says: 'compresses',
    needs: 'compressed',
    run: (site) =>
      exchange(site, [
        request('GET', '/compressed', { headers: { 'Accept-Encoding': 'gzip' } }),
        request('GET', '/compressed', { headers: { 'Accept-Encoding': 'identity' }, close: true }),
      ]),
    shows: /[Cc]ontent-[Ee]ncoding: gzip/,
  },
  {
    says: 'sends trailers',
    needs: 'trailers',
    run: (site) =>
      exchange(site, [request('GET', '/trailers', { headers: { TE: 'trailers' }, close: true })]),
    shows: /X-Checksum: abc/,
  },
  {
    says: 'reads trailers',
    needs: 'trailers',
    run: (site) =>
      exchange(site, [
        request('POST', '/digest', {
          body: 'in chunks',
          chunked: 4,
          trailers: 'X-Last: yes\r\n',
          close: true,
        }),
      ]),
    shows: /x-last/,
  },
  {
    says: 'sends early hints before the answer',
    needs: 'early',
    run: (site) => exchange(site, [request('GET', '/early', { close: true })]),
    shows: /103 Early Hints/,
  },
  {
    says: 'keeps order and case of the headers it reads',
    needs: 'inspect',
    run: (site) =>
      exchange(site, [
        request('GET', '/inspect?a=1', {
          headers: { 'x-LOWER': '1', 'X-Twice': 'a', 'x-twice': 'b' },
          close: true,
        }),
      ]),
    shows: /x-LOWER/,
  },
  {
    says: 'sees the address of its client',
    needs: 'address',
    run: async (site) => {
      using connection = await Exchange.open(site);
      const { localPort } = connection.wire.socket;
      await connection.ask(request('GET', '/address', { close: true }));
      const [answer] = await connection.answered();
      const told = JSON.parse(answer?.body.toString() ?? '') as Record<string, unknown>;
      return { ...told, remotePort: told.remotePort === localPort, localPort: told.localPort === site.port };
    },
    shows: /"remotePort":true/,
  },
  {
    says: 'answers an error of its own with 500',
    needs: 'error',
    run: (site) => exchange(site, [request('GET', '/error', { close: true })]),
    shows: /500 Internal Server Error/,
  },
  {
    says: 'reads JSON, and refuses what is none',
    needs: 'json',
    run: async (site) => {
      const post = (body: string) =>
        exchange(site, [
          request('POST', '/json', { body, headers: { 'Content-Type': 'application/json' }, close: true }),
        ]);
      return [await post('{"a":[1,2,{"b":"é"}]}'), await post('{"a":')];
    },
    shows: /200 OK/,
  },
];
