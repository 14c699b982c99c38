import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  BoundDatagram,
  type DatagramHandlers,
  DatagramSocket,
  Reactor,
  type SocketAddress,
} from '@millrace/reactor';
import { everyKindOfBytes, NO_BYTES } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { directory, turnUntil } from './support.js';

function blocking(): Reactor {
  const reactor = new Reactor({ mode: 'blocking' });
  onTestFinished(() => reactor.close());
  return reactor;
}

interface Message {
  readonly text: string;
  readonly from: SocketAddress;
  readonly truncated: boolean;
}

function bound(
  reactor: Reactor,
  address: SocketAddress,
  options: { onDrain?: DatagramHandlers['onDrain']; echo?: boolean } = {},
) {
  const messages: Message[] = [];
  const socket = new DatagramSocket(reactor, address, {
    handlers: {
      onMessage: (own, memory, end, from, truncated) => {
        messages.push({ text: memory.toString('latin1', 0, end), from, truncated });
        if (options.echo) own.send(memory.subarray(0, end), from);
      },
      onDrain: options.onDrain,
    },
  });
  onTestFinished(() => socket.close());
  return { socket, messages };
}

const addresses: [string, () => SocketAddress][] = [
  ['IPv4', () => ({ host: '127.0.0.1', port: 0 })],
  ['IPv6', () => ({ host: '::1', port: 0 })],
  ['a unix path', () => ({ path: join(directory(), 'socket') })],
  ['the abstract namespace', () => ({ path: `\0millrace-${process.pid}-${Math.random()}` })],
];

test.each(addresses)('over %s, datagrams keep their bounds and say who sent them', (_name, address) => {
  const reactor = blocking();
  const server = bound(reactor, address(), { echo: true });
  const client = bound(reactor, address());
  for (const text of ['one', '', 'three'.repeat(1_000)])
    expect(client.socket.send(text, server.socket.address)).toBe(true);
  turnUntil(reactor, 'three answers', () => client.messages.length === 3);
  expect(client.messages.map(({ text }) => text)).toEqual(['one', '', 'three'.repeat(1_000)]);
  expect(server.messages[0]?.from).toEqual(client.socket.address);
  expect(client.messages[0]).toMatchObject({ from: server.socket.address, truncated: false });
});

test('a full socket refuses a datagram whole, and says when it may be tried again', () => {
  const reactor = blocking();
  const receiver = bound(reactor, { path: join(directory(), 'socket') });
  let drained = 0;
  const sender = bound(reactor, { path: join(directory(), 'socket') }, { onDrain: () => drained++ });
  receiver.socket.pause();
  let sent = 0;
  while (sender.socket.send(`${sent}`, receiver.socket.address)) sent++;
  reactor.turn(0);
  receiver.socket.resume();
  turnUntil(reactor, 'room', () => drained > 0 && receiver.messages.length === sent);
  expect(receiver.messages.map(({ text }) => text)).toEqual(Array.from({ length: sent }, (_x, i) => `${i}`));
  expect(sender.socket.send('more', receiver.socket.address)).toBe(true);
});

test('a unix socket that stays full is tried again now and then, not in each turn, and once it has room goes on', () => {
  const reactor = blocking();
  const receiver = bound(reactor, { path: join(directory(), 'socket') });
  const to = receiver.socket.address;
  let sent = 0;
  let tries = 0;
  const fill = (own: DatagramSocket) => {
    tries++;
    while (sent < 2_000 && own.send(`${sent}`, to)) sent++;
  };
  const sender = bound(reactor, { path: join(directory(), 'socket') }, { onDrain: fill });
  receiver.socket.pause();
  fill(sender.socket);
  let turns = 0;
  for (const end = performance.now() + 200; performance.now() < end; turns++) reactor.turn(50);
  expect(tries).toBeGreaterThan(2);
  expect(turns).toBeLessThan(100);
  receiver.socket.resume();
  turnUntil(reactor, 'all datagrams', () => receiver.messages.length === 2_000);
  receiver.socket.pause();
  while (sender.socket.send('more', to));
  sender.socket.close();
  receiver.socket.close();
  tries = 0;
  // Returns at once: there is nothing left to try.
  reactor.run();
  expect(tries).toBe(0);
});

test('a datagram that is too long, and a unix address without a socket, are errors', () => {
  const reactor = blocking();
  const { socket } = bound(reactor, { host: '127.0.0.1', port: 0 });
  expect(() => socket.send(Buffer.alloc(65_508), socket.address)).toThrow(
    expect.objectContaining({ errnoName: 'EMSGSIZE' }),
  );
  const unix = bound(reactor, { path: join(directory(), 'socket') });
  expect(() => unix.socket.send('x', { path: '/nowhere/at/all' })).toThrow(
    expect.objectContaining({ errnoName: 'ENOENT' }),
  );
});

test('the end of a datagram of more than 64 KiB is cut off, and that is told', () => {
  const reactor = blocking();
  const receiver = bound(reactor, { path: join(directory(), 'socket') });
  const sender = bound(reactor, { path: join(directory(), 'socket') });
  sender.socket.send(Buffer.alloc(70_000, 'x'), receiver.socket.address);
  turnUntil(reactor, 'the datagram', () => receiver.messages.length === 1);
  expect(receiver.messages[0]).toMatchObject({ text: 'x'.repeat(65_536), truncated: true });
});

test('a datagram to a port that nobody listens on harms no later one', () => {
  const reactor = blocking();
  const gone = bound(reactor, { host: '127.0.0.1', port: 0 });
  const nobody = gone.socket.address;
  gone.socket.close();
  const { socket, messages } = bound(reactor, { host: '127.0.0.1', port: 0 });
  for (let i = 0; i < 3; i++) socket.send('x', nobody);
  socket.send('mine', socket.address);
  turnUntil(reactor, 'the datagram', () => messages.length === 1);
});

test('close is idempotent, removes the socket file, and may be called in a handler', () => {
  const reactor = blocking();
  const path = join(directory(), 'socket');
  let calls = 0;
  const socket = new DatagramSocket(
    reactor,
    { path },
    {
      handlers: {
        onMessage: (own) => {
          calls++;
          own.close();
        },
      },
    },
  );
  for (let i = 0; i < 3; i++) socket.send('x', { path });
  reactor.run();
  socket.close();
  expect(calls).toBe(1);
  expect(existsSync(path)).toBe(false);
  expect(socket.send('x', { path })).toBe(false);
});

test('what was bound elsewhere is served, and left open by the socket that served it', () => {
  const reactor = blocking();
  const path = join(directory(), 'socket');
  const own = new BoundDatagram({ path }, { permissions: 0o600 });
  onTestFinished(() => own.close());
  const texts: string[] = [];
  const serve = () =>
    new DatagramSocket(
      reactor,
      { fd: own.fd, address: own.address },
      { handlers: { onMessage: (_, memory, end) => texts.push(memory.toString('latin1', 0, end)) } },
    );
  const client = bound(reactor, { path: join(directory(), 'client') });
  serve().close();
  client.socket.send('kept by the kernel', { path });
  const second = serve();
  turnUntil(reactor, 'the datagram', () => texts.length === 1);
  expect(texts).toEqual(['kept by the kernel']);
  second.close();
  expect(existsSync(path)).toBe(true);
  own.close();
  own.close();
  expect(existsSync(path)).toBe(false);
});

test('every kind of bytes is sent whole, and what is none is refused', () => {
  const reactor = blocking();
  const server = bound(reactor, { host: '127.0.0.1', port: 0 });
  const client = bound(reactor, { host: '127.0.0.1', port: 0 });
  const kinds = Object.values(everyKindOfBytes());
  for (const bytes of kinds) expect(client.socket.send(bytes, server.socket.address)).toBe(true);
  turnUntil(reactor, 'all of them', () => server.messages.length === kinds.length);
  for (const { text } of server.messages)
    expect(Buffer.from(text, 'latin1')).toEqual(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8));
  for (const value of NO_BYTES)
    expect(() => client.socket.send(value as Uint8Array, server.socket.address)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_BYTES' }),
    );
});
