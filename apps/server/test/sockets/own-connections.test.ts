import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import {
  type AddressInfo,
  connect as connectNet,
  createServer as createNetServer,
  type Socket,
} from 'node:net';
import { until, within } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { OwnConnections } from '../../src/sockets/own-connections.js';

/** So that several requests are on their way all the time. */
const ASKED_EVERY_MS = 3;
const SESSIONS = 10;
/** Milliseconds from one end of the connection to the other: what the client does meanwhile, the server does not know yet. */
const LATENCY_MS = 10;

async function listening(): Promise<{ readonly server: Http2Server; readonly url: string }> {
  const server = createServer((_, response) => response.end('answer')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = createNetServer({ allowHalfOpen: true }, (client) => {
    const upstream = connectNet({ port, host: '127.0.0.1', allowHalfOpen: true });
    hand(client, upstream);
    hand(upstream, client);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void far.close());
  await once(far, 'listening');
  return { server, url: `http://127.0.0.1:${(far.address() as AddressInfo).port}` };
}

/**
 * Hands on what comes, as late as over a long way, and an end as an end: a socket that is destroyed with bytes unread resets the
 * connection, and who writes then has lost what it had not read.
 */
function hand(from: Socket, to: Socket): void {
  const later = (action: () => unknown) => void setTimeout(action, LATENCY_MS);
  from.on('data', (data) => later(() => to.write(data)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
}

interface Asked {
  readonly id: number | undefined;
  readonly answer: string;
  readonly code: number | undefined;
}

/** What becomes of one request. */
function ask(session: ClientHttp2Session): Promise<Asked> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': '/' });
    let answer = '';
    stream.setEncoding('utf8').on('data', (more: string) => {
      answer += more;
    });
    stream.on('error', () => {});
    stream.on('close', () => resolve({ id: stream.id, answer, code: stream.rstCode }));
  });
}

interface Told {
  /** By each GOAWAY. */
  readonly last: readonly number[];
  readonly asked: readonly Asked[];
}

/** Asks again and again, without waiting for answers, until the session is told to end; resolves when all that was asked has ended. */
async function askUntilTold(session: ClientHttp2Session): Promise<Told> {
  const asked: Promise<Asked>[] = [];
  const last: number[] = [];
  const asking = setInterval(() => asked.push(ask(session)), ASKED_EVERY_MS);
  session.on('goaway', (_code: number, id: number) => last.push(id));
  await once(session, 'goaway');
  clearInterval(asking);
  return { asked: await Promise.all(asked), last };
}

test('a session of HTTP/2 that is told to end answers what it says it does, and refuses the rest, which no program has seen', async () => {
  const { server, url } = await listening();
  const seen = new Map<ServerHttp2Session, number[]>();
  server.on('session', (session) => seen.set(session, []));
  server.on('stream', ({ session, id }) => seen.get(session as ServerHttp2Session)?.push(id as number));
  const connections = new OwnConnections(server);
  const clients = Array.from({ length: SESSIONS }, () => connect(url));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
  });
  const runs = clients.map(askUntilTold);
  await until('streams of all', () => [...seen.values()].filter((ids) => ids.length > 4).length === SESSIONS);
  connections.leave();
  const told = await within('the end of all sessions', Promise.all(runs));
  for (const { last, asked } of told) {
    const limit = last[0] as number;
    for (const { id, answer, code } of asked) {
      const isAnswered = id !== undefined && id <= limit;
      expect({ id, answer, code }).toEqual({
        id,
        answer: isAnswered ? 'answer' : '',
        code: isAnswered ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_REFUSED_STREAM,
      });
    }
  }
  const highest = [...seen.values()].map((ids) => Math.max(...ids));
  expect(highest.sort((a, b) => a - b)).toEqual(
    told.map(({ last }) => last[0] as number).sort((a, b) => a - b),
  );
});

test('a connection ends behind the first answer that can still say so, where requests are pipelined', async () => {
  const responses: ServerResponse[] = [];
  const server = createHttpServer((_request, response) => void responses.push(response));
  const connections = new OwnConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = connectNet((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  client.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(2));
  await until('both requests', () => responses.length === 2);
  const [first, second] = responses as [ServerResponse, ServerResponse];
  first.write('first');
  connections.leave();
  second.end('second');
  first.end();
  await within('the end of the connection', once(client, 'close'));
  const [head = '', behind = ''] = text.split('first');
  expect(head).toContain('Connection: keep-alive');
  expect(behind).toContain('Connection: close');
  expect(behind).toContain('second');
});
