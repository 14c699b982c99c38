import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { bytesCodec, TransportChannel } from '@millrace/channel';
import { createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe, openPipe, PipeTransport } from '../src/index.js';
import type { Numbered } from './fixtures/share.js';

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
  const closed = new Promise<Error | undefined>((resolve) => writer.on('close', resolve));
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
    const closed = new Promise<Error | undefined>((resolve) => reader.on('close', resolve));
    reader.on('message', () => {});
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

test('without gathering, a reader that dies takes the message in its hand with it, and the next reads on; large ones still go', async () => {
  const pipe = createPipe();
  const writer = openPipe(pipe.left, { codec: bytesCodec(), gather: false });
  for (const text of ['one', 'two', 'three']) writer.send(Buffer.from(text));
  writer.send(Buffer.alloc(150_000, 'x'));
  writer.send(Buffer.from('last'));
  await writer.drained();
  expect(takeRaw(pipe.right, 1)).toBe(1);
  const next = openPipe(pipe.right, { codec: bytesCodec() });
  expect((await next.receive())?.toString()).toBe('two');
  expect((await next.receive())?.toString()).toBe('three');
  expect((await next.receive())?.equals(Buffer.alloc(150_000, 'x'))).toBe(true);
  expect((await next.receive())?.toString()).toBe('last');
  writer.destroy();
  next.destroy();
});

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

const SHARE = new URL('../dist-test/fixtures/share.js', import.meta.url).pathname;
const share = (fd: number, ...args: (string | number)[]) =>
  spawn(process.execPath, [SHARE, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit', fd] });

test('several senders share an end: each in its own order, a large one starves none, and the end comes with the last', async () => {
  const pipe = createPipe();
  const children = [
    // This one goes on until the others are through.
    share(pipe.right, 'sender', 'large', Number.MAX_SAFE_INTEGER, 1_000_000),
    share(pipe.right, 'sender', 'small', 2_000, 10),
    share(pipe.right, 'sender', 'middle', 200, 70_000),
  ];
  syscalls.close(pipe.right);
  const reader = openPipe<Numbered>(pipe.left);
  const next: Record<string, number> = { large: 0, small: 0, middle: 0 };
  for await (const { name, number, body } of reader) {
    expect(number).toBe(next[name]);
    next[name] = number + 1;
    if (!body.equals(Buffer.alloc(body.length, number))) throw new Error(`${name} ${number} is broken`);
    if (next.small === 2_000 && next.middle === 200 && number > 0) children[0]?.kill('SIGKILL');
  }
  expect(next).toMatchObject({ small: 2_000, middle: 200 });
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
});

test('several receivers share a queue: each message goes to one, and the death of one costs what it had in hand', async () => {
  const TOTAL = 3_000;
  const pipe = createPipe();
  const taken: number[] = [];
  let ready = 0;
  const ended: Promise<unknown>[] = [];
  const children = ['immortal', 'mortal', 'other'].map((name) => {
    const child = share(pipe.right, 'receiver', name);
    ended.push(once(child, 'close'));
    let text = '';
    child.stdout?.setEncoding('latin1').on('data', (more: string) => {
      text += more;
      const lines = text.split('\n');
      text = lines.pop() as string;
      for (const line of lines) {
        if (line === 'ready') ready++;
        else taken.push(Number(line));
      }
    });
    return child;
  });
  syscalls.close(pipe.right);
  await until('the receivers', () => ready === children.length);
  const sender = openPipe<Numbered>(pipe.left, { sharedByReceivers: true });
  expect(() => sender.send({ name: 'sender', number: -1, body: Buffer.alloc(70_000) })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_MESSAGE_TOO_LARGE' }),
  );
  for (let number = 0; number < TOTAL; number++) {
    if (!sender.send({ name: 'sender', number, body: Buffer.alloc(100) })) await sender.drained();
  }
  await sender.close();
  await Promise.all(ended);
  // Every message, once; the mortal one had printed the only one that it took.
  expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: TOTAL }, (_, i) => i));
  expect(children[1]?.signalCode).toBe('SIGKILL');
});
