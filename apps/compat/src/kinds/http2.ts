import { createHash } from 'node:crypto';
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { within } from '@millrace/testkit';
import { pattern } from './http-streams.js';
import type { Kind, Site } from './kind.js';

/** What HTTP/2 has of its own: over TLS by ALPN, or without TLS by prior knowledge. */
export const HTTP2: readonly Kind[] = [
  {
    says: 'answers over HTTP/2',
    run: (site) =>
      withSession(site, async (session) => ({
        protocol: session.alpnProtocol,
        answers: [
          await ask(session, { ':path': '/' }),
          await ask(session, { ':path': '/', ':method': 'HEAD' }),
          await ask(session, { ':path': '/nowhere' }),
          await ask(
            session,
            { ':path': '/echo', ':method': 'POST', 'content-type': 'text/plain' },
            Buffer.from('the body'),
          ),
          await ask(session, { ':path': '/echo', ':method': 'GET' }),
        ],
      })),
    shows: /"protocol":"h2c?".*the body/,
  },
  {
    says: 'answers 100 streams at once on one connection',
    run: (site) =>
      withSession(site, (session) =>
        Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            ask(session, { ':path': at % 3 === 0 ? '/slow' : `/users/${at}` }),
          ),
        ),
      ),
    shows: /users?.*98/,
  },
  {
    says: 'takes and sends bodies from 0 B to 20 MB over HTTP/2',
    run: (site) =>
      withSession(site, async (session) => {
        const answers: unknown[] = [];
        for (const size of [0, 1, 16_384, 65_536, 1 << 20, 20 << 20]) {
          answers.push(await ask(session, { ':path': '/digest', ':method': 'POST' }, pattern(size)));
          answers.push(await ask(session, { ':path': '/echo', ':method': 'POST' }, pattern(size)));
        }
        answers.push(await ask(session, { ':path': '/large' }));
        return answers;
      }),
    shows: new RegExp(`"bytes":${20 << 20}`),
  },
  {
    says: 'sends trailers and events over HTTP/2',
    run: (site) =>
      withSession(site, async (session) => [
        await ask(session, { ':path': '/trailers' }),
        await ask(session, { ':path': '/events' }),
      ]),
    shows: /x-checksum.*id: 3/,
  },
  {
    says: 'goes on after a stream that its client has reset',
    run: (site) =>
      withSession(site, async (session) => {
        const stream = session.request({ ':path': '/large' });
        await within('the first bytes', new Promise((resolve) => stream.once('data', resolve)));
        const closed = new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode)));
        stream.close(constants.NGHTTP2_CANCEL);
        return [await within('its end', closed), await ask(session, { ':path': '/' })];
      }),
    shows: /Hello World/,
  },
  {
    says: 'answers a ping of HTTP/2',
    run: (site) =>
      withSession(site, (session) =>
        within(
          'the answer of a ping',
          new Promise((resolve, reject) =>
            session.ping(Buffer.from('12345678'), (error, _took, payload) =>
              error ? reject(error) : resolve(payload.toString()),
            ),
          ),
        ),
      ),
    shows: /12345678/,
  },
  {
    says: 'sees the address of a client of HTTP/2',
    run: (site) =>
      withSession(site, async (session) => {
        const mine = session.socket.localPort;
        const { text } = await ask(session, { ':path': '/address' });
        const told = JSON.parse(text ?? '') as Record<string, unknown>;
        return { ...told, remotePort: told.remotePort === mine, localPort: told.localPort === site.port };
      }),
    shows: /"remotePort":true/,
  },
];

async function withSession<T>(
  { port, tls }: Site,
  use: (session: ClientHttp2Session) => Promise<T>,
): Promise<T> {
  // A body of 20 MB that waits is more than the 10 MB a session may hold by default.
  const session = connect(tls === undefined ? `http://127.0.0.1:${port}` : `https://127.0.0.1:${port}`, {
    ...tls,
    maxSessionMemory: 100,
  });
  const failed = new Promise<never>((_resolve, reject) => session.once('error', reject));
  try {
    await Promise.race([
      failed,
      within('a session', new Promise((resolve) => session.once('connect', resolve))),
    ]);
    return await Promise.race([failed, use(session)]);
  } finally {
    failed.catch(() => {});
    session.destroy();
  }
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const seen: { headers: Record<string, unknown>; trailers?: unknown } = { headers: {} };
  stream.once('response', (answer) => {
    seen.headers = { ...answer, date: answer.date === undefined ? 'none' : '(a date)' };
  });
  stream.once('trailers', (trailers) => {
    seen.trailers = { ...trailers };
  });
  const hash = createHash('sha256');
  const first: Buffer[] = [];
  let bytes = 0;
  const whole = (async () => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (bytes < 300) first.push(chunk);
      bytes += chunk.length;
    }
  })();
  await within(`the answer of ${headers[':path']}`, whole);
  const short =
    bytes <= 300 ? { text: Buffer.concat(first).toString('latin1') } : { sha256: hash.digest('hex') };
  return { ...seen, bytes, ...short } as typeof seen & { bytes: number; text?: string; sha256?: string };
}
