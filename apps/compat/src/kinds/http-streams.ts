import { createHash } from 'node:crypto';
import { request as askHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import { within } from '@millrace/testkit';
import { Exchange, exchange, request, seen, steadyValue } from '../wire/exchange.js';
import { serverHasRead } from '../wire/round-trip.js';
import { Wire } from '../wire/wire.js';
import type { Kind, Site } from './kind.js';

const MEGABYTE = 1 << 20;
const SIZES = [0, 1, 1023, 65_535, 65_536, 65_537, MEGABYTE, 20 * MEGABYTE] as const;
/** What `/large` sends. */
const LARGE = 320 * 65_536;

/** Bodies from nothing to 20 MB, both ways, whole and broken off. */
export const HTTP_STREAMS: readonly Kind[] = [
  ...(['Content-Length', 'chunks'] as const).map(
    (by): Kind => ({
      says: `takes bodies from 0 B to 20 MB by ${by}`,
      run: async (site) => {
        const answers: unknown[] = [];
        for (const size of SIZES) answers.push(await ask(site, '/digest', pattern(size), by === 'chunks'));
        return answers;
      },
      shows: new RegExp(`${20 * MEGABYTE}`),
    }),
  ),
  {
    says: 'sends a body of 20 MB back',
    run: async (site) => ask(site, '/echo', pattern(20 * MEGABYTE), false),
    shows: new RegExp(`"bytes":${20 * MEGABYTE}`),
  },
  {
    says: 'streams 20 MB',
    run: (site) => ask(site, '/large'),
    shows: new RegExp(`"bytes":${LARGE}`),
  },
  {
    says: 'holds a stream back while its client does not read, and loses nothing of it',
    needs: 'drain',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      wire.socket.pause();
      await wire.send('GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      const waits = (await printed(/large: waits for drain/))[0];
      wire.socket.resume();
      const end = await wire.over();
      return {
        waits,
        end,
        bytes: wire.length,
        sha256: createHash('sha256').update(steadyBytes(wire.received)).digest('hex'),
      };
    },
    shows: /waits for drain/,
  },
  {
    says: 'notices that the client of a stream has gone',
    needs: 'drain',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      wire.socket.pause();
      await wire.send('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await printed(/large: waits for drain/);
      wire.reset();
      return (await printed(/large: the client has gone/))[0];
    },
    shows: /has gone/,
  },
  {
    says: 'notices an upload that is broken off half-way',
    needs: 'aborted',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      await wire.send(
        `POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 20000\r\n\r\n${'u'.repeat(10_000)}`,
      );
      wire.socket.destroy();
      const line = (await printed(/upload aborted after \d+ bytes/))[0];
      return [line, await exchange(site, [request('GET', '/', { close: true })])];
    },
    shows: /upload aborted after 10000 bytes.*200 OK/,
  },
  {
    says: 'answers a client that ends in the middle of a body',
    run: async (site) => {
      using wire = await Wire.connect(site);
      await wire.send(
        'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf',
      );
      // A record of TLS that ends the connection, read with the one before it, would take the answer back under plain node as well.
      if (site.tls !== undefined) await serverHasRead(site);
      wire.finish();
      return { end: await wire.over(), received: steadyBytes(wire.received).toString('latin1') };
    },
    shows: /"end":"(end|reset)"/,
  },
  {
    says: 'sends events one after another',
    run: async (site) => {
      using connection = await Exchange.open(site);
      await connection.ask(request('GET', '/events', { headers: { Accept: 'text/event-stream' } }));
      for (let id = 1; id <= 3; id++) await connection.wire.contains(`id: ${id}`);
      await connection.answered();
      return seen(connection);
    },
    shows: /text\/event-stream.*id: 3/,
  },
];

/** Bytes none of which is where it was when some are lost or doubled. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (; at + 4 <= size; at += 4) bytes.writeUInt32BE(Math.imul(at + 1, 0x9e37_79b1) >>> 0, at);
  return bytes;
}

/** Without what differs from one start, or one mode, to the next. */
function steadyBytes(bytes: Buffer): Buffer {
  const head = bytes.indexOf('\r\n\r\n');
  const without = bytes
    .toString('latin1', 0, head)
    .replace(/^date: .*$/im, 'date: (a date)')
    .replace(/^(keep-alive: timeout=)\d+/im, '$1(the default)');
  return Buffer.concat([Buffer.from(without, 'latin1'), bytes.subarray(head)]);
}

/** Asks by node:http, and returns what the answer was and the digest of its body. */
async function ask({ port, tls }: Site, path: string, body?: Buffer, chunked = false): Promise<unknown> {
  const headers: Record<string, string | number> =
    body === undefined ? {} : { 'Content-Type': 'application/octet-stream' };
  if (body !== undefined && !chunked) headers['Content-Length'] = body.length;
  const options = {
    host: '127.0.0.1',
    port,
    path,
    method: body === undefined ? 'GET' : 'POST',
    agent: false as const,
    headers,
  };
  const asked: ClientRequest = tls === undefined ? askHttp(options) : askHttps({ ...options, ...tls });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
  });
  for (let at = 0; body !== undefined && at < body.length; at += MEGABYTE) {
    asked.write(body.subarray(at, at + MEGABYTE));
  }
  asked.end();
  return within(`the answer of ${path}`, answered.then(digest));
}

async function digest(answer: IncomingMessage): Promise<unknown> {
  const hash = createHash('sha256');
  const first: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (bytes < 200) first.push(chunk.subarray(0, 200));
    bytes += chunk.length;
  }
  const headers = answer.rawHeaders.map((value, at, all) =>
    at % 2 === 1 ? steadyValue(all[at - 1] as string, value) : value,
  );
  return {
    status: answer.statusCode,
    headers,
    bytes,
    begins: Buffer.concat(first).toString('latin1', 0, 200),
    sha256: hash.digest('hex'),
  };
}
