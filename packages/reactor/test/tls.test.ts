import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { syscalls } from '@millrace/native/syscalls';
import {
  Listener,
  Reactor,
  ReactorError,
  TlsAcceptor,
  type TlsAcceptorOptions,
  TlsConnection,
  type TlsConnectionOptions,
} from '@millrace/reactor';
import { HANDSHAKE_BYTES, MemoryUse } from '@millrace/reactor/internal';
import { Authority, until, within } from '@millrace/testkit';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { directory } from './support.js';

const authority = new Authority();
const localhost = authority.issue('localhost');
afterAll(() => authority[Symbol.dispose]());

interface Served {
  readonly port: number;
  readonly acceptor: TlsAcceptor;
  readonly connections: TlsConnection[];
  readonly frames: string[];
  readonly failures: ReactorError[];
  readonly closed: string[];
  readonly congestion: boolean[];
}

/** A listener whose connections keep records, in this thread's own loop. */
function serve(
  options: TlsAcceptorOptions = {},
  each: Partial<TlsConnectionOptions> & { onFrame?: (own: TlsConnection, text: string) => void } = {},
  use = new MemoryUse(),
): Served {
  const reactor = new Reactor();
  const acceptor = new TlsAcceptor(reactor, { ...localhost, ...options }, use);
  const listener = new Listener({ host: '127.0.0.1', port: 0 });
  const served: Served = {
    port: listener.address.port,
    acceptor,
    connections: [],
    frames: [],
    failures: [],
    closed: [],
    congestion: [],
  };
  const { onFrame, handlers, ...rest } = each;
  listener.start(reactor, {
    onAccept: (fd) =>
      acceptor.accept(fd, (error, socket) => {
        if (socket === undefined) return void served.failures.push(error as ReactorError);
        const connection = new TlsConnection(reactor, socket, {
          framing: { kind: 'eof', delimiter: '\n' },
          ...rest,
          handlers: {
            onFrame: (own, memory, start, end) => {
              const text = memory.toString('latin1', start, end);
              served.frames.push(text);
              onFrame?.(own, text);
            },
            onCongestion: (_own, congested) => served.congestion.push(congested),
            onClose: (_own, reason) => served.closed.push(reason),
            ...handlers,
          },
        });
        served.connections.push(connection);
      }),
  });
  onTestFinished(() => {
    listener.close();
    acceptor.close();
    for (const connection of served.connections) connection.destroy();
    reactor.close();
  });
  return served;
}

interface Client {
  readonly socket: TLSSocket;
  text: string;
  bytes: number;
}

async function client(served: Served, options: ConnectionOptions = {}): Promise<Client> {
  const { port } = served;
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  const own: Client = { socket, text: '', bytes: 0 };
  socket.on('data', (chunk: Buffer) => {
    own.bytes += chunk.length;
    if (own.bytes < 1 << 16) own.text += chunk.toString('latin1');
  });
  await within('the handshake', once(socket, 'secureConnect'));
  socket.on('error', () => {});
  return own;
}

/** The errors that nobody has caught, from here on; the test runner does not hear of them. */
function uncaught(): unknown[] {
  const errors: unknown[] = [];
  const caught = (error: unknown) => errors.push(error);
  const before = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', caught);
  onTestFinished(() => {
    process.removeListener('uncaughtException', caught);
    for (const listener of before) process.on('uncaughtException', listener as () => void);
  });
  return errors;
}

const echo = (own: TlsConnection, text: string) => void own.write(`${text}\n`);

describe('a connection over TLS', () => {
  test('cuts frames, however they come, and answers', async () => {
    const served = serve({}, { onFrame: echo });
    const { socket } = await client(served);
    const peer = await client(served);
    socket.write('one\ntw');
    await until('the first frame', () => served.frames.length === 1);
    socket.write('o\n');
    const long = 'x'.repeat(300_000);
    peer.socket.write(`${long}\nshort\n`);
    await until('all frames', () => served.frames.length === 4);
    expect([...served.frames].sort()).toEqual(['one', 'two', 'short', long].sort());
    await until('the answers', () => peer.bytes === long.length + 7);
  });

  test('a paused connection delivers no frame before it is resumed, and slows the other side down', async () => {
    const served = serve({}, { onFrame: (own, text) => text === 'stop' && own.pause() });
    const { socket } = await client(served);
    socket.write('stop\nheld\n');
    await until('the first frame', () => served.frames.length === 1);
    const [connection] = served.connections as [TlsConnection];
    const chunk = `${'y'.repeat(65_535)}\n`;
    // Until the client is told to wait, and has waited for several turns of both loops.
    let sent = 0;
    while (socket.writableLength < 4 << 20) {
      socket.write(chunk);
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
      expect(sent).toBeLessThan(2_000);
    }
    expect(served.frames).toEqual(['stop']);
    connection.resume();
    await until('everything', () => served.frames.length === sent + 2);
    expect(served.frames[1]).toBe('held');
  });

  test('what the client does not read waits, is counted, and goes out whole once it reads', async () => {
    const served = serve({}, { highWaterMark: 1 << 20, lowWaterMark: 1 << 10, maxOutput: 32 << 20 });
    const { socket } = await client(served);
    let bytes = 0;
    socket.removeAllListeners('data');
    socket.pause();
    await until('the connection', () => served.connections.length === 1);
    const [connection] = served.connections as [TlsConnection];
    let written = 0;
    for (let i = 0; written < 16 << 20; i++) {
      const size = (i * 7_919) % 200_000;
      expect(connection.write(Buffer.alloc(size, i))).toBe(true);
      written += size;
    }
    expect(served.congestion).toEqual([true]);
    expect(connection.queuedBytes).toBeGreaterThan(8 << 20);
    expect(connection.write(Buffer.alloc(20 << 20))).toBe(false);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.resume();
    await until('all bytes', () => bytes === written);
    await until('nothing waiting', () => connection.queuedBytes === 0);
    expect(served.congestion).toEqual([true, false]);
  });

  test('a file goes between what was written before and after it', async () => {
    const path = join(directory(), 'file');
    const content = Buffer.alloc(700_001, 'file ');
    writeFileSync(path, content);
    const served = serve();
    const { socket } = await client(served);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await until('the connection', () => served.connections.length === 1);
    const [connection] = served.connections as [TlsConnection];
    const sent: (Error | undefined)[] = [];
    connection.write('before ');
    connection.sendFile(path, { offset: 1, onSent: (error) => sent.push(error) });
    connection.write(' after');
    connection.close();
    const expected = Buffer.concat([Buffer.from('before '), content.subarray(1), Buffer.from(' after')]);
    await within('the end', once(socket, 'end'));
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    expect(sent).toEqual([undefined]);
    await until('the close', () => served.closed.length === 1);
    expect(served.closed).toEqual(['local']);
  });

  test('once its socket is destroyed, the rest of a file is not even read', async () => {
    const path = join(directory(), 'file');
    writeFileSync(path, '');
    truncateSync(path, 64 << 20);
    const served = serve();
    await client(served);
    await until('the connection', () => served.connections.length === 1);
    const [connection] = served.connections as [TlsConnection];
    const { readAt } = syscalls;
    onTestFinished(() => {
      syscalls.readAt = readAt;
    });
    let reads = 0;
    syscalls.readAt = (...all) => {
      reads++;
      return readAt(...all);
    };
    const sent: (Error | undefined)[] = [];
    connection.socket.destroy();
    connection.sendFile(path, { onSent: (error) => sent.push(error) });
    await until('the close', () => served.closed.length === 1);
    expect(reads).toBe(0);
    expect(sent).toEqual([expect.any(Error)]);
  });

  test('a client that has ended its sending still gets its answers', async () => {
    const served = serve(
      {},
      { handlers: { onFrame: () => {}, onInputEnd: (own) => void own.write('late\n') } },
    );
    const { port } = served;
    const halves = { allowHalfOpen: true };
    const socket = connect({ port, ca: authority.cert, servername: 'localhost', ...halves });
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await within('the handshake', once(socket, 'secureConnect'));
    socket.end('hello\n');
    await until('the answer', () => text === 'late\n');
    const [connection] = served.connections as [TlsConnection];
    expect(connection.inputEnded).toBe(true);
    connection.close();
    await until('the close', () => served.closed.length === 1);
  });

  test('close sends everything first, also to a client that goes on sending', async () => {
    const served = serve({}, { onFrame: (own) => own.write(Buffer.alloc(3 << 20, 'z')) && own.close() });
    const peer = await client(served);
    const ended = once(peer.socket, 'end');
    peer.socket.write('go\n');
    const more = setInterval(() => peer.socket.writable && peer.socket.write('more\n'), 1);
    onTestFinished(() => clearInterval(more));
    await within('the end', ended);
    clearInterval(more);
    expect(peer.bytes).toBe(3 << 20);
    peer.socket.destroy();
    await until('the close', () => served.closed.length === 1);
    expect(served.closed).toEqual(['local']);
  });

  test('what ends it is told once: malformed input, a broken client, a destroy with files waiting', async () => {
    const served = serve({}, { maxFrameLength: 100 });
    const first = await client(served);
    first.socket.write('x'.repeat(200));
    await until('the malformed one', () => served.closed.length === 1);
    const second = await client(served);
    await until('the second', () => served.connections.length === 2);
    second.socket.destroy();
    await until('the broken one', () => served.closed.length === 2);
    const third = await client(served);
    third.socket.pause();
    await until('the third', () => served.connections.length === 3);
    const path = join(directory(), 'file');
    writeFileSync(path, Buffer.alloc(4 << 20));
    const sent: (Error | undefined)[] = [];
    const [, , connection] = served.connections as [unknown, unknown, TlsConnection];
    for (let i = 0; i < 4; i++) connection.sendFile(path, { onSent: (error) => sent.push(error) });
    connection.destroy();
    connection.destroy();
    await until('word of the files', () => sent.length === 4);
    expect(sent.every((error) => error instanceof Error)).toBe(true);
    // Its socket ends, or breaks, with what it had not read.
    expect(served.closed).toEqual(['malformed', expect.stringMatching(/^(local|peer)$/), 'local']);
  });

  test('what the owners of files throw leaves neither files nor the socket open, and the close is told', async () => {
    const served = serve();
    const { socket } = await client(served);
    socket.pause();
    await until('the connection', () => served.connections.length === 1);
    const path = join(directory(), 'file');
    writeFileSync(path, Buffer.alloc(16 << 20));
    const [connection] = served.connections as [TlsConnection];
    let told = 0;
    const onSent = () => {
      told++;
      throw new Error('owner');
    };
    for (let i = 0; i < 3; i++) connection.sendFile(path, { onSent });
    expect(() => connection.destroy()).toThrow(AggregateError);
    expect(told).toBe(3);
    expect(served.closed).toEqual(['local']);
    expect(connection.socket.destroyed).toBe(true);
  });

  test('what the owner of a file throws when it is sent holds up nothing behind it', async () => {
    const errors = uncaught();
    const served = serve();
    const peer = await client(served);
    await until('the connection', () => served.connections.length === 1);
    const path = join(directory(), 'file');
    writeFileSync(path, Buffer.alloc(100_000));
    const [connection] = served.connections as [TlsConnection];
    connection.sendFile(path, {
      onSent: () => {
        throw new Error('owner');
      },
    });
    const more = Buffer.alloc(2 << 20);
    connection.write(more);
    await until('all of it', () => peer.bytes === 100_000 + more.length);
    await until('nothing waiting', () => connection.queuedBytes === 0);
    expect(errors).toEqual([expect.objectContaining({ message: 'owner' })]);
  });

  test('a handler that throws has had its frame, and the next ones come', async () => {
    const errors = uncaught();
    const served = serve(
      {},
      {
        onFrame: (_own, text) => {
          if (text === 'bad') throw new Error('a handler that throws');
        },
      },
    );
    const { socket } = await client(served);
    socket.write('one\nbad\ntwo\n');
    await until('all frames', () => served.frames.length === 3);
    expect(errors).toEqual([expect.objectContaining({ message: 'a handler that throws' })]);
  });
});

describe('handshakes', () => {
  /** A plain socket to the listener. */
  async function plain({ port }: Served): Promise<Socket> {
    const socket = connectPlain(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await within('a connection', once(socket, 'connect'));
    return socket;
  }

  test('of a client that speaks no TLS fail, and say so', async () => {
    const served = serve();
    const socket = await plain(served);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await until('the failure', () => served.failures.length === 1);
    const [error] = served.failures as [ReactorError];
    expect(error).toBeInstanceOf(ReactorError);
    expect(error.code).toBe('ERR_MILLRACE_TLS_HANDSHAKE');
    expect(error.message).toMatch(/http request/);
    await until('the end of it', () => socket.readableEnded || socket.destroyed);
    expect(served.acceptor.pending).toBe(0);
  });

  test('of a client that says nothing, or half of it, end when their time is up', async () => {
    const served = serve({ handshakeTimeout: 100 });
    const began = performance.now();
    const sockets = [await plain(served), await plain(served)];
    // The head of a record that promises more.
    sockets[1]?.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    await until('both failures', () => served.failures.length === 2);
    expect(performance.now() - began).toBeGreaterThan(95);
    for (const { message } of served.failures) expect(message).toMatch(/ERR_TLS_HANDSHAKE_TIMEOUT/);
    expect(served.acceptor.pending).toBe(0);
  });

  test.each([
    [Number.POSITIVE_INFINITY, []],
    [2 ** 32, []],
    [60_000, [60_000]],
  ])('have %d ms, of which node:tls is told where it can count them', async (handshakeTimeout, told) => {
    const limits = vi.spyOn(Socket.prototype, 'setTimeout');
    const served = serve({ handshakeTimeout });
    const socket = await plain(served);
    await until('the handshake', () => served.acceptor.pending === 1);
    expect(limits.mock.calls.map(([ms]) => ms).filter((ms) => ms > 0)).toEqual(told);
    expect(served.failures).toEqual([]);
    socket.destroy();
    await until('its end', () => served.acceptor.pending === 0);
    limits.mockRestore();
  });

  test('of clients that go in the middle end at once', async () => {
    const served = serve();
    for (let i = 0; i < 20; i++) {
      const socket = await plain(served);
      if (i % 2) socket.write(Buffer.from([0x16, 3, 1]));
      if (i % 3) socket.destroy();
      else socket.resetAndDestroy();
    }
    await until('all failures', () => served.failures.length === 20);
    expect(served.acceptor.pending).toBe(0);
    expect(served.connections.length).toBe(0);
  });

  test('count as memory until they are over, and the oldest can be broken off', async () => {
    const use = new MemoryUse();
    const served = serve({}, {}, use);
    const ended: number[] = [];
    for (let i = 0; i < 3; i++) {
      const socket = await plain(served);
      socket.on('close', () => ended.push(i)).resume();
      await until('the handshake', () => served.acceptor.pending === i + 1);
    }
    expect(use.bytes).toBe(3 * HANDSHAKE_BYTES);
    expect(served.acceptor.breakOffOldest('too many')).toBe(true);
    expect([served.acceptor.pending, use.bytes]).toEqual([2, 2 * HANDSHAKE_BYTES]);
    await until('its failure, and its end', () => served.failures.length === 1 && ended.length === 1);
    expect(ended).toEqual([0]);
    expect(served.failures[0]?.message).toBe('The TLS handshake failed: too many.');
    served.acceptor.breakOffOldest('too many');
    served.acceptor.breakOffOldest('too many');
    expect(served.acceptor.breakOffOldest('too many')).toBe(false);
    expect(use.bytes).toBe(0);
    await until('all failures', () => served.failures.length === 3);
    // The handshake of a client that comes through counts no more; the connection does, by itself.
    const own = await client(served);
    await until('the connection', () => served.connections.length === 1);
    expect([served.acceptor.pending, use.bytes]).toEqual([0, 0]);
    own.socket.destroy();
  });

  test('close breaks off those under way', async () => {
    const served = serve();
    await plain(served);
    await until('a handshake', () => served.acceptor.pending === 1);
    served.acceptor.close();
    await until('its failure', () => served.failures.length === 1);
  });

  test('ask for certificates, and refuse clients without a good one', async () => {
    const served = serve({ ca: authority.cert, requestCert: true });
    using other = new Authority('somebody else');
    for (const identity of [{}, other.issue('stranger')]) {
      const socket = connect({ port: served.port, ca: authority.cert, servername: 'localhost', ...identity });
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      await until('its end', () => socket.closed);
    }
    await until('both failures', () => served.failures.length === 2);
    const [none, wrong] = served.failures.map(({ message }) => message);
    expect(none).toMatch(/did not return a certificate/);
    expect(wrong).toMatch(/certificate is not accepted \(\w+\)/);
    await client(served, authority.issue('client.example'));
    await until('the connection', () => served.connections.length === 1);
    expect(served.connections[0]?.socket.authorized).toBe(true);
    expect(served.connections[0]?.socket.getPeerX509Certificate()?.subject).toContain('CN=client.example');
  });

  test('without rejectUnauthorized let them in, and tell', async () => {
    const served = serve({ ca: authority.cert, requestCert: true, rejectUnauthorized: false });
    await client(served);
    await until('the connection', () => served.connections.length === 1);
    expect(served.connections[0]?.socket.authorized).toBe(false);
  });

  test('choose the certificate by the name that is asked for, and the protocol by ALPN', async () => {
    const sni = {
      'one.example': authority.issue('one.example'),
      '*.two.example': authority.issue('*.two.example'),
    };
    const served = serve({ sni, ALPNProtocols: ['millrace/1', 'old'] });
    const names: Record<string, unknown> = {};
    for (const servername of ['localhost', 'one.example', 'a.two.example']) {
      const { socket } = await client(served, { servername, ALPNProtocols: ['old', 'millrace/1'] });
      names[servername] = socket.getPeerCertificate().subject.CN;
      expect(socket.alpnProtocol).toBe('millrace/1');
    }
    expect(names).toEqual({
      localhost: 'localhost',
      'one.example': 'one.example',
      'a.two.example': '*.two.example',
    });
    const stranger = connect({
      port: served.port,
      ca: authority.cert,
      servername: 'localhost',
      ALPNProtocols: ['no'],
    });
    const [error] = await within('the refusal', once(stranger, 'error'));
    expect((error as Error).message).toMatch(/no application protocol/i);
  });

  test('are matched by name without regard to case, with a dot at the end, and a whole name before a wildcard', async () => {
    const sni = {
      'A.Example': authority.issue('a.example'),
      '*.Two.example.': authority.issue('*.two.example'),
      'b.two.example': authority.issue('b.two.example'),
      '*.example': authority.issue('*.example'),
    };
    const served = serve({ sni });
    const found: Record<string, unknown> = {};
    const asked = [
      'a.example',
      'A.EXAMPLE',
      'a.Example.',
      'C.two.EXAMPLE',
      'B.Two.Example',
      'c.d.two.example',
    ];
    for (const servername of asked) {
      const { socket } = await client(served, { servername, checkServerIdentity: () => undefined });
      found[servername] = socket.getPeerCertificate().subject.CN;
    }
    expect(found).toEqual({
      'a.example': 'a.example',
      'A.EXAMPLE': 'a.example',
      'a.Example.': 'a.example',
      'C.two.EXAMPLE': '*.two.example',
      'B.Two.Example': 'b.two.example',
      'c.d.two.example': 'localhost',
    });
  });

  test('after a replace have the new certificate; what is connected stays; what cannot be changes nothing', async () => {
    const served = serve({}, { onFrame: echo });
    const before = await client(served);
    const next = authority.issue('localhost', 'next.example');
    expect(() => served.acceptor.replace({ key: 'no key', cert: next.cert })).toThrow();
    served.acceptor.replace(next);
    const after = await client(served);
    const serial = ({ socket }: Client) => socket.getPeerCertificate().serialNumber;
    expect(serial(after)).not.toBe(serial(before));
    before.socket.write('still here\n');
    await until('the answer', () => before.text === 'still here\n');
  });

  test('are for reactors in the loop of Node', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    expect(() => new TlsAcceptor(reactor, localhost)).toThrow("TLS needs a reactor of mode 'node'");
  });
});

describe('turns', () => {
  test('a connection delivers its share of frames in a turn; what others have sent comes before the rest', async () => {
    const order: string[] = [];
    const served = serve({}, { framesPerTurn: 10, onFrame: (_, text) => void order.push(text) });
    const [deep, good] = [await client(served), await client(served)];
    await until('both connections', () => served.connections.length === 2);
    const sent = Promise.all([
      new Promise<void>((resolve) => deep.socket.write('deep\n'.repeat(2_000), () => resolve())),
      new Promise<void>((resolve) => good.socket.write('good\n', () => resolve())),
    ]);
    await sent;
    await until('all frames', () => order.length === 2_001);
    // Both were there when the first one had its first turn, or the second came some turns later; never behind all of it.
    expect(order.indexOf('good')).toBeLessThan(1_000);
    expect(order.filter((text) => text === 'deep')).toHaveLength(2_000);
  });

  test('bytesPerTurn bounds what is read of a connection in a turn, and all of it is delivered', async () => {
    const served = serve({}, { framesPerTurn: 3, bytesPerTurn: 7 });
    const own = await client(served);
    const frames = Array.from({ length: 500 }, (_, i) => String(i));
    own.socket.write(`${frames.join('\n')}\n`);
    own.socket.end();
    await until('the end', () => served.closed.length === 1);
    expect(served.frames).toEqual(frames);
    expect(served.closed).toEqual(['local']);
  });
});
