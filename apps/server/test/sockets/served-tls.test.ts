import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, type RequestOptions, request } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { Authority, type Program, TestClient, within } from '@millrace/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, testOfLastingClients } from '../support.js';

const authority = new Authority();
const identity = authority.issue('localhost');
let program: Program;
let ports: { reactor: number; asking: number; worker: number; tls: number; http2: number };

beforeAll(async () => {
  program = launch(
    'served-tls',
    { host: '0.0.0.0', maxWaitTime: 60_000 },
    { KEY: identity.key, CERT: identity.cert, CA: authority.cert },
  );
  const [, text = ''] = await program.printed(/^listening (.*)$/m);
  const [reactor, asking, worker, tls, http2] = text.split(' ').map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  ports = { reactor, asking, worker, tls, http2 };
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

async function ask(port: number, options: RequestOptions & ConnectionOptions = {}): Promise<string> {
  const asked = request({ port, ca: authority.cert, servername: 'localhost', ...options }).end();
  const [answer] = (await within('an answer', once(asked, 'response'))) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += chunk;
  return text;
}

test('a served node:https server has its TLS ended in the reactor, and sockets that tell of it', async () => {
  expect(JSON.parse(await ask(ports.reactor, { ALPNProtocols: ['http/1.1'] }))).toMatchObject({
    remoteAddress: '127.0.0.1',
    // Not the address that it listens on, which stands for all.
    localAddress: '127.0.0.1',
    encrypted: true,
    isEstablished: true,
    authorized: false,
    alpnProtocol: 'http/1.1',
    servername: 'localhost',
    protocol: 'TLSv1.3',
    isNodes: false,
    hasCipher: true,
  });
});

test('a served node:http server behind a listener with TLS is told of the certificate of its client', async () => {
  const client = authority.issue('a client');
  expect(JSON.parse(await ask(ports.asking, client))).toMatchObject({
    encrypted: true,
    isEstablished: true,
    authorized: true,
    subject: 'a client',
  });
  expect(JSON.parse(await ask(ports.asking))).toMatchObject({ authorized: false });
});

test('a served node:https server that asks for certificates ends TLS itself, in the worker', async () => {
  const client = authority.issue('a client');
  expect(JSON.parse(await ask(ports.worker, client))).toMatchObject({
    remoteAddress: '127.0.0.1',
    localAddress: '127.0.0.1',
    encrypted: true,
    isEstablished: true,
    isNodes: true,
    subject: 'a client',
  });
});

test('a served node:tls server echoes, and knows where its client is', async () => {
  const client = await TestClient.connectTls(ports.tls, { ca: authority.cert, servername: 'localhost' });
  onTestFinished(() => client.close());
  expect(await client.line()).toBe('127.0.0.1');
  const sent = Buffer.alloc(300_000, 'y');
  client.send(sent);
  expect((await client.take(sent.length)).equals(sent)).toBe(true);
});

test('a served node:http2 server speaks HTTP/2 by ALPN, and HTTP/1.1 to others', async () => {
  const session = connectHttp2(`https://localhost:${ports.http2}`, { ca: authority.cert });
  onTestFinished(() => session.close());
  let text = '';
  for await (const chunk of session.request({ ':path': '/' })) text += chunk;
  expect(text).toBe('2.0 127.0.0.1\n');
  expect(await ask(ports.http2)).toBe('1.1 127.0.0.1\n');
});

testOfLastingClients('an idle connection with TLS in the reactor outlives a killed worker', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const pid = async () => JSON.parse(await ask(ports.reactor, { agent })).pid as number;
  const first = await pid();
  process.kill(first, 'SIGKILL');
  expect(await pid()).not.toBe(first);
  expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
});
