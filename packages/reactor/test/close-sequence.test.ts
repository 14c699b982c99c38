import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { syscalls } from '@millrace/native/syscalls';
import {
  type CloseReason,
  Connection,
  type ConnectionHandlers,
  Listener,
  Reactor,
  type StreamConnection,
  TlsAcceptor,
  TlsConnection,
} from '@millrace/reactor';
import { Authority, until, within } from '@millrace/testkit';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

const authority = new Authority();
const localhost = authority.issue('localhost');
afterAll(() => authority[Symbol.dispose]());

interface Pair {
  readonly reactor: Reactor;
  readonly connection: StreamConnection;
  /** What the connection has been told. */
  readonly heard: { frames: string; ended: boolean; closed?: CloseReason; error?: Error & { code?: string } };
  /** The other side; ends when it is told to. */
  readonly peer: Socket;
  /** What the other side has been told. */
  readonly seen: { bytes: number; text: string; ended: boolean; error?: Error & { code?: string } };
}

/** A connection and its other side, over TCP in this thread's own loop. */
async function pair(kind: 'plain' | 'tls'): Promise<Pair> {
  const reactor = new Reactor();
  onTestFinished(() => reactor.close());
  const heard: Pair['heard'] = { frames: '', ended: false };
  const handlers: ConnectionHandlers<undefined, StreamConnection> = {
    onFrame: (_own, memory, start, end) => {
      heard.frames += memory.toString('latin1', start, end);
    },
    onInputEnd: () => {
      heard.ended = true;
    },
    onClose: (_own, reason, error) => {
      heard.closed = reason;
      if (error) heard.error = error;
    },
  };
  let connection: StreamConnection | undefined;
  const listener = new Listener({ host: '127.0.0.1', port: 0 });
  const acceptor = new TlsAcceptor(reactor, localhost);
  listener.start(reactor, {
    onAccept: (fd) => {
      if (kind === 'plain') connection = new Connection(reactor, fd, { handlers });
      else
        acceptor.accept(fd, (_error, socket) => {
          if (socket) connection = new TlsConnection(reactor, socket, { handlers });
        });
    },
  });
  onTestFinished(() => {
    connection?.destroy();
    acceptor.close();
    listener.close();
  });
  const to = { host: '127.0.0.1', port: listener.address.port, allowHalfOpen: true };
  const peer =
    kind === 'plain' ? connectPlain(to) : connectTls({ ...to, servername: 'localhost', ca: authority.cert });
  onTestFinished(() => void peer.destroy());
  const seen: Pair['seen'] = { bytes: 0, text: '', ended: false };
  peer.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length;
    if (chunk.length < 100) seen.text += chunk.toString('latin1');
  });
  peer.on('end', () => {
    seen.ended = true;
  });
  peer.on('error', (error) => {
    seen.error = error;
  });
  await within('the connection', once(peer, kind === 'plain' ? 'connect' : 'secureConnect'));
  await until('the connection', () => connection !== undefined);
  const own = connection as unknown as StreamConnection;
  // What TLS sends behind its handshake lies before this: where a reset finds it unread, libuv tells of an end.
  own.write('.');
  await until('the first byte', () => seen.bytes === 1);
  Object.assign(seen, { bytes: 0, text: '' });
  return { reactor, connection: own, heard, peer, seen };
}

/** Until a timer of `reactor` has fired that is due after all those of so many milliseconds which are set by now. */
async function afterTimers(reactor: Reactor, ms: number): Promise<void> {
  await within('a timer', reactor.timers.sleep(2 * ms + 1));
}

describe.each(['plain', 'tls'] as const)('the end of a connection: %s', (kind) => {
  test('end comes behind what is queued, and what the other side then sends is read until it ends too', async () => {
    const { connection, heard, peer, seen } = await pair(kind);
    connection.write(Buffer.alloc(4 << 20));
    connection.end();
    expect(connection.write('late')).toBe(false);
    await until('the end', () => seen.ended);
    expect(seen.bytes).toBe(4 << 20);
    peer.write('and now ');
    await until('the first answer', () => heard.frames === 'and now ');
    expect(heard.closed).toBeUndefined();
    peer.end('the rest');
    await until('the close', () => heard.closed !== undefined);
    expect(heard).toEqual({ frames: 'and now the rest', ended: true, closed: 'peer' });
    expect(connection.inputEnded).toBe(true);
  });

  test('where the other side has ended, what is written still arrives, and end closes behind it', async () => {
    const { connection, heard, peer, seen } = await pair(kind);
    peer.end('question');
    await until('the end', () => heard.ended);
    connection.write(Buffer.alloc(4 << 20));
    connection.write('answer');
    connection.end();
    await until('the close', () => heard.closed !== undefined && seen.ended);
    expect(heard).toEqual({ frames: 'question', ended: true, closed: 'local' });
    expect(seen).toMatchObject({ bytes: (4 << 20) + 6 });
  });

  test('a peer that never ends is waited for as long as end says, and no longer', async () => {
    const { connection, heard, peer } = await pair(kind);
    const began = performance.now();
    connection.end({ timeout: 100 });
    const more = setInterval(() => peer.writable && peer.write('more'), 5);
    onTestFinished(() => clearInterval(more));
    await until('the close', () => heard.closed !== undefined);
    expect(performance.now() - began).toBeGreaterThanOrEqual(99);
    expect(heard).toMatchObject({ frames: expect.stringContaining('more'), ended: false, closed: 'local' });
    expect(connection.inputEnded).toBe(false);
  });

  test('the time for that begins when the end has been sent, not while output waits', async () => {
    const { reactor, connection, heard, peer, seen } = await pair(kind);
    peer.pause();
    while (connection.queuedBytes < 4 << 20) connection.write(Buffer.alloc(1 << 20));
    connection.end({ timeout: 10 });
    await afterTimers(reactor, 10);
    expect(heard.closed).toBeUndefined();
    peer.resume();
    await until('the end', () => seen.ended);
    await until('the close', () => heard.closed === 'local');
    expect(seen.error).toBeUndefined();
  });

  test('a peer that resets the connection after its end is told as such', async () => {
    const { connection, heard, peer, seen } = await pair(kind);
    connection.end({ timeout: 60_000 });
    await until('the end', () => seen.ended);
    syscalls.setLinger((peer as Socket & { _handle: { fd: number } })._handle.fd, 0);
    peer.destroy();
    await until('the close', () => heard.closed !== undefined);
    expect(heard).toMatchObject({ closed: 'peer', error: { code: expect.anything() } });
    expect(String(heard.error)).toContain('ECONNRESET');
  });

  test('end again can set the time anew, before and after the end has been sent, and does nothing else', async () => {
    const { reactor, connection, heard, peer, seen } = await pair(kind);
    connection.end({ timeout: 10 });
    connection.end({ timeout: Number.POSITIVE_INFINITY });
    connection.end();
    await until('the end', () => seen.ended);
    await afterTimers(reactor, 10);
    expect(heard.closed).toBeUndefined();
    peer.write('still read');
    await until('the answer', () => heard.frames === 'still read');
    connection.end({ timeout: 0 });
    await until('the close', () => heard.closed !== undefined);
    expect(heard).toEqual({ frames: 'still read', ended: false, closed: 'local' });
  });

  test('close after end drops what comes, and does not wait for the other side', async () => {
    const { connection, heard, seen } = await pair(kind);
    connection.end();
    await until('the end', () => seen.ended);
    connection.close();
    await until('the close', () => heard.closed !== undefined);
    expect(heard).toEqual({ frames: '', ended: false, closed: 'local' });
  });

  test('destroy after end closes at once', async () => {
    const { reactor, connection, heard } = await pair(kind);
    connection.end({ timeout: 10 });
    connection.destroy();
    connection.destroy({ reason: 'error' });
    expect(heard).toEqual({ frames: '', ended: false, closed: 'local' });
    // A timer that is left would tell of a second close.
    await afterTimers(reactor, 10);
    expect(heard.closed).toBe('local');
  });

  test('destroy with reset tells the other side that it was broken off', async () => {
    const { connection, heard, seen } = await pair(kind);
    connection.destroy({ reset: true });
    expect(heard.closed).toBe('local');
    await until('the reset', () => seen.error !== undefined);
    expect(seen).toMatchObject({ ended: false, error: { code: 'ECONNRESET' } });
  });

  test.each([
    ['with output that waits', (own: StreamConnection) => void own.write(Buffer.alloc(8 << 20)), false],
    ['after end', (own: StreamConnection) => own.end(), true],
  ])('and so %s: its first write fails', async (_, before, ends) => {
    const { connection, heard, peer, seen } = await pair(kind);
    if (!ends) peer.pause();
    before(connection);
    if (ends) await until('the end', () => seen.ended);
    connection.destroy({ reset: true });
    expect(heard.closed).toBe('local');
    await until('the descriptor', () => !(connection instanceof TlsConnection) || connection.socket.closed);
    expect(seen.error).toBeUndefined();
    // To a connection that was closed in order, the first one would go out.
    peer.write('anything');
    await until('the reset', () => seen.error !== undefined);
    expect(seen.error?.code).toMatch(/^(ECONNRESET|EPIPE)$/);
  });

  test('refuses options that there are not, and times that are none', async () => {
    const { connection, heard, peer } = await pair(kind);
    const unknown = expect.objectContaining({ code: 'ERR_MILLRACE_UNKNOWN_OPTION' });
    expect(() => connection.end({ timeOut: 5 } as never)).toThrow(unknown);
    expect(() => connection.destroy({ rest: true } as never)).toThrow(unknown);
    const time = expect.objectContaining({ code: 'ERR_MILLRACE_TIMEOUT_VALUE' });
    for (const timeout of [-1, Number.NaN, '5'])
      expect(() => connection.end({ timeout } as never)).toThrow(time);
    peer.write('nothing has happened');
    await until('a frame', () => heard.frames !== '');
    expect(heard).toEqual({ frames: 'nothing has happened', ended: false });
  });
});
