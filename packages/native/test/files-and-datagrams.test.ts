import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  AF_UNIX,
  check,
  createSocketPair,
  decodeUnixAddress,
  EFAULT,
  encodeUnixAddress,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCKADDR_BYTES,
  syscalls,
} from '../src/syscalls.js';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-native-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function opened(fd: number): number {
  onTestFinished(() => void syscalls.close(fd));
  return check(fd, 'open');
}

test('a file is sent from its offset, and its own position stays', () => {
  const path = join(directory(), 'file');
  writeFileSync(path, '0123456789');
  const file = openSync(path, 'r');
  onTestFinished(() => closeSync(file));
  const [end, peer] = createSocketPair(SOCK_STREAM).map(opened) as [number, number];
  const memory = Buffer.alloc(16);
  expect(syscalls.sendFile(end, file, 3, 4)).toBe(4);
  expect(syscalls.sendFile(end, file, 10, 4)).toBe(0);
  expect(syscalls.receive(peer, memory, 0, 16)).toBe(4);
  expect(memory.toString('latin1', 0, 4)).toBe('3456');
  expect(syscalls.readAt(file, memory, 1, 2, 8)).toBe(2);
  expect(memory.toString('latin1', 1, 3)).toBe('89');
  expect(syscalls.readAt(file, memory, 15, 2, 0)).toBe(-EFAULT);
  expect(syscalls.read(file, memory, 0, 1)).toBe(1);
  expect(memory[0]).toBe(0x30);
});

test('a datagram brings its size, also beyond the memory for it, and the address of its sender', () => {
  const [from, to] = [0, 1].map(() => opened(syscalls.socket(AF_UNIX, SOCK_DGRAM, 0))) as [number, number];
  const path = join(directory(), 'to');
  const addresses = [{ path: `\0millrace-${process.pid}` }, { path }] as const;
  for (const [i, address] of addresses.entries()) {
    const { bytes, length } = encodeUnixAddress(address);
    check(syscalls.bind(i === 0 ? from : to, bytes, length), 'bind');
  }
  const target = encodeUnixAddress(addresses[1]);
  const memory = Buffer.alloc(8);
  const sender = new Uint8Array(SOCKADDR_BYTES).fill(255);
  expect(syscalls.sendTo(from, Buffer.from('0123456789'), 0, 10, target.bytes, target.length)).toBe(10);
  expect(syscalls.receiveFrom(to, memory, 0, 8, sender)).toBe(10);
  expect(memory.toString()).toBe('01234567');
  expect(decodeUnixAddress(sender)).toEqual(addresses[0]);
  expect(syscalls.sendTo(from, Buffer.alloc(4), 2, 4, target.bytes, target.length)).toBe(-EFAULT);
  expect(syscalls.receiveFrom(to, memory, 0, 8, new Uint8Array(16))).toBe(-EFAULT);
});

test('a datagram of two pieces arrives as one', () => {
  const [from, to] = createSocketPair(SOCK_SEQPACKET).map(opened) as [number, number];
  const memory = Buffer.alloc(16);
  expect(syscalls.sendParts(from, Buffer.from('head…'), 4, Buffer.from('..body..'), 2, 4)).toBe(8);
  expect(syscalls.receive(to, memory, 0, 16)).toBe(8);
  expect(memory.toString('utf8', 0, 8)).toBe('headbody');
  expect(syscalls.sendParts(from, memory, 17, memory, 0, 1)).toBe(-EFAULT);
  expect(syscalls.sendParts(from, memory, 1, memory, 16, 1)).toBe(-EFAULT);
});

test.each(['/a', `/${'x'.repeat(106)}`, '\0abstract', `\0${'y'.repeat(107)}`])(
  'a unix address of path %j survives',
  (path) => {
    const { bytes, family } = encodeUnixAddress({ path });
    expect(family).toBe(AF_UNIX);
    expect(decodeUnixAddress(bytes)).toEqual({ path });
  },
);

test.each(['', 'x'.repeat(108), `\0${'y'.repeat(108)}`, 'a\0b'])(
  'a unix address of path %j is refused',
  (path) => {
    expect(() => encodeUnixAddress({ path })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_BAD_ADDRESS' }),
    );
  },
);
