import { bytesCodec } from '@millrace/channel';
import { createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe, openPipe } from '../src/index.js';

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
