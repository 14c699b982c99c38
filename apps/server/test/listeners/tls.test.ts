import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Authority, openDescriptors, TestClient, until, within } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type ServerOptions } from '../../src/index.js';
import { isBase, launch, pidOf, type RunningServer, startServer } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-server-tls-'));
const authority = new Authority();
const file = (name: string) => join(directory, name);

function put(name: string, ...hosts: string[]): { key: string; cert: string } {
  const { key, cert } = authority.issue(...hosts);
  writeFileSync(file(`${name}.key`), key);
  writeFileSync(file(`${name}.pem`), cert);
  return { key: file(`${name}.key`), cert: file(`${name}.pem`) };
}

const tls = {
  ...put('main', 'localhost'),
  sni: { 'other.example': put('other', 'other.example') },
  alpnProtocols: ['lines/1'],
  // For clients that say nothing; others have to be through by then, on a slow machine too.
  handshakeTimeout: 2_000,
};

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ tls } as Partial<ServerOptions>, {}, 'tls');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const trusting = { ca: authority.cert, servername: 'localhost' };

async function client(options: ConnectionOptions = {}, port = server.lines): Promise<TestClient> {
  const own = await TestClient.connectTls(port, { ...trusting, ...options });
  onTestFinished(() => own.close());
  return own;
}

const certificateOf = ({ socket }: TestClient) => (socket as TLSSocket).getPeerCertificate();

describe('a client over TLS', () => {
  test('is answered, has its connect and its close, beside plain ones', async () => {
    const [secure, plain] = [await client(), await TestClient.connect(server.frames)];
    expect(await secure.ask('hello')).toBe('hello');
    expect(await plain.ask('hello')).toBe('hello');
    const { tls: details } = JSON.parse(await plain.ask('info'));
    expect(details).toBeUndefined();
    const id = await secure.ask('id');
    expect(server.program.output).toContain(`event connect ${id}\n`);
    secure.close();
    await server.program.printed(new RegExp(`event close ${id} peer`));
    plain.close();
  });

  test('is described, in its worker and in a process that asks no one', async () => {
    const own = await client({ servername: 'other.example', ALPNProtocols: ['lines/1'] });
    expect(certificateOf(own).subject.CN).toBe('other.example');
    const expected = {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      authorized: false,
      servername: 'other.example',
      alpnProtocol: 'lines/1',
    };
    expect(JSON.parse(await own.ask('info'))).toMatchObject({ remoteIp: '127.0.0.1', tls: expected });
    expect(JSON.parse(await own.ask('look'))).toEqual(expected);
  });

  test('that does not read costs a bounded amount and loses nothing', async () => {
    const own = await client();
    let bytes = 0;
    own.socket.removeAllListeners('data').pause();
    own.send('fill 400\n');
    await server.program.printed(/event bufferFull/);
    own.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    own.socket.resume();
    await until('the end', () => own.socket.readableEnded);
    expect(bytes).toBe(400 * (64 << 10));
    expect(server.program.output).toMatch(/event bufferEmpty/);
  });

  test('gets files, and its answers after it has ended its sending', async () => {
    const content = Buffer.alloc(1_000_003, 'a file');
    writeFileSync(file('sent'), content);
    const own = await client();
    own.send(`before\nfile ${file('sent')}\nafter\n`);
    own.finish();
    await until('the end', () => own.socket.readableEnded);
    expect(
      own.received.equals(Buffer.concat([Buffer.from('before\n'), content, Buffer.from('after\n')])),
    ).toBe(true);
  });

  test('resumes its session with whichever reactor thread it meets', async () => {
    const first = await client();
    const session = await within(
      'a ticket',
      new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve)),
    );
    for (let i = 0; i < 4; i++) {
      const again = await client({ session });
      expect((again.socket as TLSSocket).isSessionReused()).toBe(true);
      expect(await again.ask('hello')).toBe('hello');
    }
  });
});

describe('what is no handshake', () => {
  test('costs a line in the log and no descriptor', async () => {
    // Who has clients' sockets: the master, or in base mode its workers.
    const owners = isBase
      ? server.program.children().filter(({ title }) => title.startsWith('millrace: worker'))
      : [server.program];
    const descriptors = () => owners.reduce((sum, { pid }) => sum + openDescriptors(pid), 0);
    const first = Number(await (await client()).ask('id'));
    const before = descriptors();
    const heard = () =>
      [...server.program.output.matchAll(/event connect (\d+)/g)].map(([, id]) => Number(id));
    const heardBefore = heard();
    const sockets = Array.from({ length: 30 }, (_, i) => {
      const socket = connect(server.lines, '127.0.0.1', () => {
        if (i % 3 === 0) socket.write('GET / HTTP/1.0\r\n\r\n');
        if (i % 3 === 1) socket.destroy();
      });
      socket.on('error', () => {});
      return socket;
    });
    // A third of them says nothing: their time runs out.
    await until('all to be closed', () =>
      sockets.every((socket) => socket.destroyed || socket.readableEnded),
    );
    for (const socket of sockets) socket.destroy();
    await until('no descriptor more', () => descriptors() <= before);
    expect(server.program.output).toMatch(
      /Closed a connection of 127\.0\.0\.1:\d+: The TLS handshake failed/,
    );
    const last = Number(await (await client()).ask('id'));
    await server.program.printed(new RegExp(`event connect ${last}\\n`));
    // What never opened, no worker hears of.
    expect(heard()).toEqual([...heardBefore, last]);
    // Each of them had an id; in base mode ids ascend in each worker by itself.
    if (!isBase) expect(last - first).toBe(31);
  });
});

describe('certificates', () => {
  test('are read anew when asked, for new clients; a broken one changes nothing and is named', async () => {
    const before = await client();
    const serial = certificateOf(before).serialNumber;
    put('main', 'localhost');
    before.send('reload\n');
    const after = await until('the new certificate', async () => {
      const next = await client();
      return certificateOf(next).serialNumber === serial ? undefined : next;
    });
    const reloaded = certificateOf(after).serialNumber;
    expect(await before.ask('still here')).toBe('still here');
    writeFileSync(file('other.key'), 'no key');
    before.send('reload\n');
    await server.program.printed(/sni\.other\.example\.key.* is not PEM: .*other\.key/);
    put('other', 'other.example');
    expect(certificateOf(await client()).serialNumber).toBe(reloaded);
    put('main', 'localhost');
    server.program.kill('SIGUSR1');
    await server.program.printed(/event afterReload reloaded/);
    expect(certificateOf(await client()).serialNumber).not.toBe(reloaded);
    // In base mode the sockets are the worker's, and end with it.
    if (isBase) await before.serverClosed();
    else expect(await before.ask('still here')).toBe('still here');
  });

  test('of clients are asked for, checked and shown, up to the stop of the server', async () => {
    // Whoever workers are, the files are the master's to read.
    const user = process.getuid?.() === 0 ? { user: 'nobody' } : {};
    const asking = { ca: [authority.cert], requestCert: true, handshakeTimeout: 60_000 };
    const options = { plain: false, ...user, tls: { ...tls, ...asking } };
    await using strict = await startServer(options as Partial<ServerOptions>, {}, 'tls');
    const known = await client(authority.issue('client.example'), strict.lines);
    const { peerCertificate, authorized } = JSON.parse(await known.ask('look'));
    expect(authorized).toBe(true);
    expect(peerCertificate).toMatchObject({
      subject: 'O=Tests\nCN=client.example',
      fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    using other = new Authority('nobody knows it');
    const stranger = await client(other.issue('stranger'), strict.lines).catch((error) => error);
    if (stranger instanceof TestClient) await stranger.serverClosed();
    await strict.program.printed(/its certificate is not accepted/);
    // A stop ends clients in order, and handshakes at once.
    const silent = await TestClient.connect(strict.lines);
    strict.program.kill('SIGTERM');
    await until(
      'the ends',
      () => known.socket.readableEnded && (silent.ended || silent.socket.readableEnded),
    );
    silent.close();
    expect(await strict.program.ended()).toEqual({ code: 0, signal: null });
  });
});

test.runIf(isBase)(
  'a worker that is killed costs its own clients; the next one has the keys that were read last',
  async () => {
    const of = async (worker: number) => {
      const own = await client();
      return Number(await own.ask('id')) % 2 === worker ? own : undefined;
    };
    const [lost, kept] = [await until('one of 0', () => of(0)), await until('one of 1', () => of(1))];
    const serial = certificateOf(kept).serialNumber;
    put('main', 'localhost');
    kept.send('reload\n');
    await until('other keys', async () => certificateOf(await client()).serialNumber !== serial);
    const killed = pidOf(server, 'millrace: worker 0') as number;
    process.kill(killed, 'SIGKILL');
    await lost.serverClosed();
    expect(JSON.parse(await kept.ask('look')).protocol).toBe('TLSv1.3');
    const next = await until('a client of the next', () => of(0));
    expect(pidOf(server, 'millrace: worker 0')).not.toBe(killed);
    expect(certificateOf(next).serialNumber).not.toBe(serial);
    expect(JSON.parse(await next.ask('look')).protocol).toBe('TLSv1.3');
  },
);

describe('options', () => {
  const { key, cert } = tls;
  test.each([
    [{ cert }, "'tls.key' is missing"],
    [{ key: 3, cert }, "'tls.key' cannot be 3"],
    [{ key, cert, minVersion: 'TLSv1' }, '\'tls.minVersion\' cannot be "TLSv1"'],
    [
      { key, cert, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      `'tls.minVersion' cannot be "TLSv1.3": at most 'maxVersion'`,
    ],
    [{ key, cert, alpn: ['x'] }, "'alpn' in 'tls'; did you mean"],
    [{ key, cert, alpnProtocols: [''] }, '1 to 255 bytes'],
  ])('%j is refused', (options, message) => {
    expect(() => createServer({ port: 0, tls: options as never })).toThrow(message);
  });

  test('no error shows a key', () => {
    const secret = '-----BEGIN PRIVATE KEY-----\nsecret';
    for (const wrong of [
      { cert: 3 },
      { cert, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      { cert, ca: [3] },
    ]) {
      const make = () => createServer({ port: 0, tls: { key: secret, ...wrong } as never });
      expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
    }
  });

  test('TLS is for TCP', () => {
    expect(() => createServer({ path: '/tmp/x', tls: { key, cert } })).toThrow("'tls' is for TCP");
    expect(() => createServer({ port: 0, type: 'datagram', tls: { key, cert } })).toThrow("'tls' is for TCP");
  });

  test.each([
    [{ key: '/no/such/file', cert }, /'tls\.key of 127\.0\.0\.1:0' cannot be read: ENOENT.*\/no\/such\/file/],
    [
      { key: cert, cert },
      /OpenSSL does not take 'tls' of 127\.0\.0\.1:0 \(key .*main\.pem, cert .*main\.pem\)/,
    ],
    [{ key, cert, sni: { 'a.example': { key, cert: authority.cert } } }, /'tls\.sni\.a\.example'.*mismatch/],
    [{ key, cert, ciphers: 'NONE' }, /OpenSSL does not take 'tls'/],
  ])('%j is an error at the start', async (options, message) => {
    // A module may start one server, also where that fails: each is a program of its own.
    await using program = launch('tls', { tls: options });
    expect((await program.ended()).code).toBe(1);
    expect(program.output).toMatch('ERR_MILLRACE_TLS');
    expect(program.output).toMatch(message);
  });
});
