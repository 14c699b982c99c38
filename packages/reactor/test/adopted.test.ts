import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemCallError } from '@millrace/native';
import {
  AF_INET,
  check,
  encodeInetAddress,
  SOCK_DGRAM,
  SOCK_STREAM,
  syscalls,
} from '@millrace/native/syscalls';
import { BoundDatagram, type Connection, connect, Listener, Reactor } from '@millrace/reactor';
import { expect, onTestFinished, test } from 'vitest';
import { directory, turnUntil } from './support.js';

/** A socket of this process, as one that it was handed. */
function socket(type: number, bound = true): number {
  const fd = check(syscalls.socket(AF_INET, type, 0), 'socket');
  onTestFinished(() => void syscalls.close(fd));
  const { bytes, length } = encodeInetAddress({ host: '127.0.0.1', port: 0 });
  if (bound) check(syscalls.bind(fd, bytes, length), 'bind');
  return fd;
}

function serves(listener: Listener): void {
  using reactor = new Reactor({ mode: 'blocking' });
  const accepted: number[] = [];
  listener.start(reactor, { onAccept: (fd) => accepted.push(fd) });
  const where = listener.path === undefined ? listener.address : { path: listener.path };
  let client: Connection | undefined;
  connect(reactor, where, { handlers: { onFrame: () => {} } }, (_error, connection) => {
    client = connection;
  });
  turnUntil(reactor, 'a connection', () => accepted.length === 1 && client !== undefined);
  client?.destroy();
  for (const fd of accepted) syscalls.close(fd);
}

test('a listener takes over a socket that is bound, and one that listens', () => {
  const listener = new Listener({ fd: syscalls.duplicate(socket(SOCK_STREAM)), backlog: 8 });
  onTestFinished(() => listener.close());
  expect(listener.address).toMatchObject({ host: '127.0.0.1', port: expect.any(Number) });
  serves(listener);
  const path = join(directory(), 'socket');
  const first = new Listener({ path });
  onTestFinished(() => first.close());
  const second = new Listener({ fd: syscalls.duplicate(first.fd) });
  expect(second.path).toBe(path);
  serves(second);
  second.close();
  expect(existsSync(path)).toBe(true);
});

test('what is no bound socket of the right kind is refused, and stays open', () => {
  const [stream, datagram, unbound] = [socket(SOCK_STREAM), socket(SOCK_DGRAM), socket(SOCK_STREAM, false)];
  const refused = (make: () => unknown, message: string) =>
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_DESCRIPTOR', message }));
  refused(
    () => new Listener({ fd: datagram }),
    `Descriptor ${datagram} is a datagram socket, not a stream socket.`,
  );
  refused(
    () => new BoundDatagram({ fd: stream }),
    `Descriptor ${stream} is a stream socket, not a datagram socket.`,
  );
  refused(() => new Listener({ fd: unbound }), `Descriptor ${unbound} is a socket that is not bound.`);
  expect(() => new Listener({ fd: check(syscalls.eventfd(), 'eventfd') })).toThrow(
    expect.objectContaining({ errnoName: 'ENOTSOCK' } satisfies Partial<SystemCallError>),
  );
  expect(new BoundDatagram({ fd: datagram }).address).toMatchObject({ host: '127.0.0.1' });
});
