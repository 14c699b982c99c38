import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { Authority, until, within } from '@millrace/testkit';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { Served, startCommand } from '../dist/start.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-compat-'));
const authority = new Authority();
const TLS_KEY = join(directory, 'key.pem');
const TLS_CERT = join(directory, 'cert.pem');
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

/** Puts a new certificate where the program finds it. */
function issue(): void {
  const { key, cert } = authority.issue('localhost');
  writeFileSync(TLS_KEY, key);
  writeFileSync(TLS_CERT, cert);
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<Served> {
  issue();
  const { name, command } = startCommand(process.env, 2);
  // 503, where a machine is slow to start a process, is not what these tests are about.
  const by = { name, command: [...command, '--max-wait', '30000'] };
  const served = await Served.start('https-kept.js', by, { TLS_KEY, TLS_CERT, ...env });
  onTestFinished(() => served[Symbol.asyncDispose]());
  await until('both workers', () => served.workers().length === 2);
  return served;
}

interface Told {
  readonly pid: number;
  readonly remotePort: number;
  readonly encrypted: boolean;
  readonly inWorker: boolean;
}

async function ask({ port }: Served, path = '/', agent = new Agent()): Promise<Told> {
  const asked = request({ port, path, agent, ca: authority.cert, servername: 'localhost' }).end();
  const [answer] = (await within('an answer', once(asked, 'response'))) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += chunk;
  return JSON.parse(text) as Told;
}

/** Of the certificate that a client which comes now gets. */
async function fingerprint({ port }: Served, servername = 'localhost'): Promise<string> {
  const socket: TLSSocket = connect({ port, ca: authority.cert, servername, rejectUnauthorized: false });
  await within('the handshake', once(socket, 'secureConnect'));
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('kept connections of a node:https program outlive kill -9 and a reload', async () => {
  const served = await start();
  const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  onTestFinished(() => {
    for (const agent of agents) agent.destroy();
  });
  const askAll = () => Promise.all(agents.map((agent) => ask(served, '/', agent)));
  const ports = (all: readonly Told[]) => all.map(({ remotePort }) => remotePort);
  const first = await askAll();
  expect(first.every(({ encrypted, inWorker }) => encrypted && !inWorker)).toBe(true);
  const [killed] = served.workers() as [number];
  expect(first.map(({ pid }) => pid)).toContain(killed);
  process.kill(killed, 'SIGKILL');
  const afterKill = await askAll();
  expect(ports(afterKill)).toEqual(ports(first));
  expect(afterKill.map(({ pid }) => pid)).not.toContain(killed);
  const before = served.workers();
  served.program.kill('SIGUSR1');
  await until('other workers', async () => {
    const all = await askAll();
    expect(ports(all)).toEqual(ports(first));
    return all.every(({ pid }) => pid !== killed && !before.includes(pid));
  });
});

test('clients get other certificates after a reload, and by setSecureContext; those that there are go on', async () => {
  const served = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const { remotePort } = await ask(served, '/', agent);
  const first = await fingerprint(served);
  issue();
  expect(await fingerprint(served)).toBe(first);
  served.program.kill('SIGUSR1');
  await until('the certificate of the reload', async () => (await fingerprint(served)) !== first);
  const second = await fingerprint(served);
  issue();
  expect((await ask(served, '/renew', agent)).remotePort).toBe(remotePort);
  await until('the certificate of setSecureContext', async () => (await fingerprint(served)) !== second);
  expect((await ask(served, '/', agent)).remotePort).toBe(remotePort);
});

test('clients get the certificates of names that the program adds, before it listens and in a worker later; those that there are go on', async () => {
  const served = await start({ NAMED: 'named.example' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const { remotePort, inWorker } = await ask(served, '/', agent);
  expect(inWorker).toBe(false);
  const own = await fingerprint(served);
  expect(await fingerprint(served, 'named.example')).toBe(own);
  issue();
  // The files hold another one by now, for the names that are said from here on.
  await ask(served, '/name/*.later.example', agent);
  await until(
    'the certificate of a name',
    async () => (await fingerprint(served, 'a.later.example')) !== own,
  );
  expect(await fingerprint(served)).toBe(own);
  expect(await fingerprint(served, 'named.example')).toBe(own);
  await ask(served, '/name/named.example', agent);
  await until(
    'another certificate of a name',
    async () => (await fingerprint(served, 'named.example')) !== own,
  );
  expect(await ask(served, '/', agent)).toMatchObject({ remotePort, inWorker: false });
});

test('a node:https program that asks for certificates of clients ends TLS in its workers', async () => {
  const served = await start({ ASKS: 'yes' });
  expect(await ask(served)).toMatchObject({ encrypted: true, inWorker: true });
});
