import { bytesCodec, TransportChannel } from '@millrace/channel';
import { createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe, openPipe, PipeTransport } from '../src/index.js';

test('what a closed reader had not taken is read by the next reader of the same end', async () => {
  const pipe = createPipe();
  const writer = openPipe<string>(pipe.left);
  const first = openPipe<string>(pipe.right, { closeDescriptor: false });
  writer.send('one');
  await writer.drained();
  expect(await first.receive()).toBe('one');
  for (const text of ['two', 'three']) writer.send(text);
  await writer.drained();
  first.destroy();
  const second = openPipe<string>(pipe.right);
  expect(await second.receive()).toBe('two');
  expect(await second.receive()).toBe('three');
  writer.destroy();
  second.destroy();
});

test('a writer learns that its reader has gone', async () => {
  const pipe = createPipe();
  const writer = openPipe<string>(pipe.left);
  const closed = new Promise<Error | undefined>((resolve) => writer.onClose(resolve));
  syscalls.close(pipe.right);
  writer.send('to nobody');
  expect(await closed).toBeUndefined();
  expect(writer.closed).toBe(true);
});

test('a datagram that is not of the layout ends the channel with an error', async () => {
  for (const datagram of [
    Buffer.from('x'),
    Buffer.alloc(8),
    Buffer.alloc(20, 0xff),
    Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
  ]) {
    const [left, right] = createSocketPair(SOCK_SEQPACKET);
    const reader = openPipe(right, { codec: bytesCodec() });
    const closed = new Promise<Error | undefined>((resolve) => reader.onClose(resolve));
    reader.onMessage(() => {});
    syscalls.send(left, datagram, 0, datagram.length);
    expect(await closed).toMatchObject({ code: 'ERR_MILLRACE_PIPE_CORRUPT' });
    syscalls.close(left);
  }
});

test('small messages ride together: many of them take few datagrams', async () => {
  const pipe = createPipe();
  const writer = openPipe(pipe.left, { codec: bytesCodec() });
  for (let i = 0; i < 1_000; i++) writer.send(Buffer.alloc(10));
  await until('the flush', () => syscalls.unreadBytes(pipe.left) > 0);
  const datagram = Buffer.alloc(65_536);
  expect(syscalls.receive(pipe.right, datagram, 0, datagram.length)).toBe(18_000);
  writer.destroy();
  syscalls.close(pipe.right);
});

/** Takes what is in a socket, as a reader that is going to die would. */
function takeRaw(fd: number, datagrams = Number.POSITIVE_INFINITY): number {
  const datagram = Buffer.alloc(65_536);
  let taken = 0;
  while (taken < datagrams && syscalls.receive(fd, datagram, 0, datagram.length) > 0) taken++;
  return taken;
}

test('room that a send finds by itself is told to those who wait for it', async () => {
  const pipe = createPipe();
  const writer = openPipe(pipe.left, { codec: bytesCodec(), highWaterMark: 10_000 });
  // More than the kernel takes at once, and little enough for the rest to go in one more attempt.
  expect(writer.send(Buffer.alloc(300_000))).toBe(false);
  const drained = writer.drained();
  takeRaw(pipe.right);
  // This send hands over the rest of the first message, before the loop could say that there is room.
  writer.send(Buffer.from('small'));
  await drained;
  expect(writer.writable).toBe(true);
  writer.destroy();
  syscalls.close(pipe.right);
});

test('a message is known to be unread while it is whole in the pipe, and not when it came in pieces', async () => {
  const pipe = createPipe();
  const transport = new PipeTransport(pipe.left);
  const writer = new TransportChannel(transport, bytesCodec());
  writer.send(Buffer.from('one'));
  expect(transport.lastIsUnread).toBe(true);
  await writer.drained();
  expect(transport.lastIsUnread).toBe(true);
  expect(takeRaw(pipe.right)).toBe(1);
  expect(transport.lastIsUnread).toBe(false);
  writer.send(Buffer.alloc(150_000));
  await writer.drained();
  // One piece is gone with its reader: what is left is of no use to the next, and is skipped by it.
  expect(takeRaw(pipe.right, 1)).toBe(1);
  expect(transport.lastIsUnread).toBe(false);
  const next = openPipe(pipe.right, { codec: bytesCodec() });
  writer.send(Buffer.from('after it'));
  expect((await next.receive())?.toString()).toBe('after it');
  writer.destroy();
  next.destroy();
});
