import { request as askHttp } from 'node:http';
import { connect } from 'node:net';
import { until, within } from '@millrace/testkit';
import { Exchange, exchange, request, seen, shownBody } from '../wire/exchange.js';
import { Wire } from '../wire/wire.js';
import type { Kind } from './kind.js';

/** The times that a program sets for its server. */
export const TIMEOUTS: readonly Kind[] = [
  {
    says: 'ends a header that does not come with 408',
    run: async (site) => {
      using wire = await Wire.connect(site);
      await wire.send('GET / HTTP/1.1\r\nHost: local');
      return { end: await wire.over(), received: wire.received.toString('latin1') };
    },
    shows: /408 Request Timeout/,
  },
  {
    says: 'ends a body that does not come with 408',
    run: async (site) => {
      using wire = await Wire.connect(site);
      await wire.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf');
      return { end: await wire.over(), received: wire.received.toString('latin1') };
    },
    shows: /408 Request Timeout/,
  },
  {
    says: 'ends a connection that has been kept for its time',
    run: async (site) => {
      using connection = await Exchange.open(site);
      await connection.ask(request('GET', '/'));
      await connection.answered();
      await connection.wire.over();
      return seen(connection);
    },
    shows: /in time.*"end":"end"/,
  },
  {
    says: 'keeps a connection that is used',
    run: async (site) => {
      using connection = await Exchange.open(site);
      const start = performance.now();
      let asked = 0;
      // Busy for longer than every one of its times.
      while (performance.now() - start < 900) {
        await connection.ask(request('GET', '/'));
        await connection.answered();
        asked++;
      }
      return { all: connection.reader.answers.length === asked, isOver: connection.wire.isOver };
    },
    shows: /"all":true,"isOver":false/,
  },
  {
    says: 'is told when an answer takes too long',
    run: async (site) => {
      const printed = site.served.listen();
      const seenThen = await exchange(site, [request('GET', '/silent')]);
      return [seenThen, (await printed(/the answer has timed out/))[0]];
    },
    shows: /504 Gateway Timeout/,
  },
  {
    says: 'keeps to its own limit of headers',
    run: (site) => exchange(site, [request('GET', '/', { headers: { Cookie: 'c'.repeat(5_000) } })]),
    shows: /431/,
  },
];

/** Several servers of one program. */
export const PORTS: readonly Kind[] = [
  {
    says: 'listens on two ports and a path, each with its own server',
    run: async ({ served, port }) => {
      // Each worker says where it listens, between what others say.
      const find = (wanted: (address: { port: number } | string) => boolean) => () =>
        [...served.program.output.matchAll(/listening on (\{.*?\}|".*?"), listening: (\w+)/g)]
          .map(([, text, listening]) => ({
            text: text as string,
            address: JSON.parse(text as string) as { port: number } | string,
            listening,
          }))
          .find(({ address }) => wanted(address));
      const isPath = (address: unknown) => typeof address === 'string';
      const web = await until(
        'web',
        find((at) => typeof at === 'object' && at.port === port),
      );
      const admin = await until(
        'admin',
        find((at) => typeof at === 'object' && at.port !== port),
      );
      const local = await until('local', find(isPath));
      const addresses = [web, admin, local];
      using wire = await Wire.connect({ port: (admin.address as { port: number }).port });
      await wire.over();
      return [
        addresses.map(({ text, listening }) => [
          text.replace(/"port":\d+/, '').replace(/".*\//, ''),
          listening,
        ]),
        await exchange({ port }, [request('GET', '/', { close: true })]),
        wire.received.toString(),
        await overPath(local.address as string),
      ];
    },
    shows: /web.*admin.*local/,
  },
  {
    says: 'is told that a port is taken',
    run: async ({ served }) => until('its error', () => served.program.output.match(/second: .*/)?.[0]),
    shows: /second: EADDRINUSE listen true/,
  },
];

function overPath(socketPath: string): Promise<unknown> {
  return within(
    'an answer over a path',
    new Promise((resolve, reject) => {
      askHttp({ createConnection: () => connect(socketPath), path: '/' }, async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
        resolve({ status: answer.statusCode, body: shownBody(Buffer.concat(parts)) });
      })
        .on('error', reject)
        .end();
    }),
  );
}
