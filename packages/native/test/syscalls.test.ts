import { openSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NodePoller, SystemCallError } from '../src/index.js';
import {
  check,
  createSocketPair,
  decodeInetAddress,
  EAGAIN,
  EBADF,
  EFAULT,
  EPIPE,
  encodeInetAddress,
  SOCK_SEQPACKET,
  syscalls,
} from '../src/syscalls.js';

test('a failed call gives a typed error with errno, its name and the call', () => {
  const failing = () => check(syscalls.close(99_999), 'close', 'descriptor 99999');
  expect(failing).toThrow(SystemCallError);
  expect(failing).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_SYSCALL', errno: 9, errnoName: 'EBADF', syscall: 'close' }),
  );
  expect(failing).toThrow('close descriptor 99999: EBADF (9)');
});

test('no call reads or writes outside of the bytes that it is given', () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  const bytes = new Uint8Array(8);
  for (const [offset, length] of [
    [0, 9],
    [9, 0],
    [-1, 2],
    [4, 5],
    [0, -1],
    [2 ** 40, 1],
  ] as const) {
    expect(syscalls.send(left, bytes, offset, length)).toBe(-EFAULT);
    expect(syscalls.receive(right, bytes, offset, length)).toBe(-EFAULT);
  }
  expect(syscalls.send(left, 'text' as unknown as Uint8Array, 0, 1)).toBe(-EFAULT);
  syscalls.close(left);
  syscalls.close(right);
});

test('each of several descriptors is sent its piece by one call, and none more than that', () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  const [other, peer] = createSocketPair(SOCK_SEQPACKET);
  syscalls.close(peer);
  const bytes = Buffer.from('0123456789');
  const list = Int32Array.of(
    ...[left, 2, 3, 77],
    ...[-1, 0, 1, 77],
    ...[other, 0, 1, 77],
    ...[99_999, 0, 1, 77],
    ...[left, 8, 3, 77],
    ...[left, -1, 1, 77],
    ...[left, 0, -1, 77],
    ...[left, 9, 1, 77],
    ...[left, 0, 1, 77],
  );
  expect(syscalls.sendEach(new Uint8Array(list.buffer), 8, bytes)).toBe(0);
  const results = Array.from({ length: 9 }, (_, at) => list[at * 4 + 3]);
  expect(results).toEqual([3, 77, -EPIPE, -EBADF, -EFAULT, -EFAULT, -EFAULT, 1, 77]);
  const read = Buffer.alloc(16);
  const received = () => read.toString('latin1', 0, syscalls.receive(right, read, 0, 16));
  expect([received(), received()]).toEqual(['234', '9']);
  expect(syscalls.receive(right, read, 0, 16)).toBe(-EAGAIN);
  expect(syscalls.sendEach(new Uint8Array(list.buffer), 10, bytes)).toBe(-EFAULT);
  expect(syscalls.sendEach(new Uint8Array(list.buffer), 1, 'text' as unknown as Uint8Array)).toBe(-EFAULT);
  for (const fd of [left, right, other]) syscalls.close(fd);
});

test('a socket pair keeps the boundaries of messages, and says when all of them are read', () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  syscalls.send(left, Buffer.from('one'), 0, 3);
  syscalls.send(left, Buffer.from('three'), 0, 5);
  const bytes = Buffer.alloc(64);
  expect(syscalls.unreadBytes(left)).toBeGreaterThan(0);
  expect(syscalls.receive(right, bytes, 0, 64)).toBe(3);
  expect(syscalls.receive(right, bytes, 0, 64)).toBe(5);
  expect(syscalls.receive(right, bytes, 0, 64)).toBe(-EAGAIN);
  expect(syscalls.unreadBytes(left)).toBe(0);
  syscalls.close(left);
  expect(syscalls.receive(right, bytes, 0, 64)).toBe(0);
  syscalls.close(right);
});

test('addresses survive the kernel form', () => {
  for (const address of [
    { host: '127.0.0.1', port: 9501 },
    { host: '::1', port: 1 },
    { host: '2001:db8::7', port: 65_535 },
  ]) {
    expect(decodeInetAddress(encodeInetAddress(address).bytes)).toEqual(address);
  }
  for (const host of ['localhost', '127.0.0.1\0', '127.0.0.1\0.example', '', undefined as never]) {
    expect(() => encodeInetAddress({ host, port: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_BAD_ADDRESS' }),
    );
  }
});

test.each([65_536, 105_659, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
  '%s is no port, and is not taken for another',
  (port) => {
    expect(() => encodeInetAddress({ host: '127.0.0.1', port })).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_BAD_ADDRESS',
        message: expect.stringContaining(String(port)),
      }),
    );
  },
);

test('the poller reports what is asked for, and nothing after it was closed', async () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  const seen: number[] = [];
  const registration = new NodePoller().add(right, (ready) => {
    seen.push(ready);
    syscalls.receive(right, Buffer.alloc(8), 0, 8);
  });
  syscalls.send(left, Buffer.from('a'), 0, 1);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  expect(seen).toEqual([]);
  registration.update({ read: true, write: false });
  while (seen.length < 1) await new Promise(setImmediate);
  expect(seen).toEqual([1]);
  registration.update({ read: true, write: true });
  while (seen.length < 2) await new Promise(setImmediate);
  expect(seen[1]).toBe(4);
  registration.close();
  registration.close();
  syscalls.send(left, Buffer.from('b'), 0, 1);
  const before = seen.length;
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  expect(seen).toHaveLength(before);
  syscalls.close(left);
  syscalls.close(right);
});

test('reads and writes go through any descriptor', () => {
  const fd = openSync('/dev/zero', 'r');
  const bytes = Buffer.alloc(4, 1);
  expect(syscalls.read(fd, bytes, 1, 2)).toBe(2);
  expect([...bytes]).toEqual([1, 0, 0, 1]);
  expect(readSync(fd, bytes)).toBe(4);
  syscalls.close(fd);
});
