import { bytesCodec } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe, openPipe, type PipeOptions } from '../src/index.js';

/** Both ends of a pipe, in this thread. */
function pair(options?: PipeOptions<unknown, unknown>) {
  const { left, right } = createPipe();
  return [openPipe<unknown>(left, options), openPipe<unknown>(right)] as const;
}

/** A turn of the loop. */
const turn = () => new Promise(setImmediate);

test('what a peer sent before it went is received, also when it had not read all that was sent to it', async () => {
  // Many: more than are taken in a turn of the loop.
  for (const answers of [['first', 'second'], Array.from({ length: 100 }, (_, i) => i)]) {
    for (const listens of [false, true]) {
      const [asker, answerer] = pair({ batch: 10 });
      // Two datagrams: one is taken, the other stays unread.
      for (const question of [1, 2]) {
        asker.send(question);
        asker.flush();
      }
      expect(await answerer.receive()).toBe(1);
      const seen: unknown[] = [];
      if (listens) asker.on('message', (value) => seen.push(value));
      for (const answer of answers) {
        answerer.send(answer);
        answerer.flush();
      }
      answerer.destroy();
      if (!listens) for await (const value of asker) seen.push(value);
      await until('the end', () => asker.closed);
      expect(seen).toEqual(answers);
    }
  }
});

test('a send to a peer that has gone does not keep what it had sent from those who take it one by one', async () => {
  const [left, right] = pair();
  const seen: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    right.send(i);
    right.flush();
  }
  right.destroy();
  for await (const value of left) {
    seen.push(value);
    left.send('to nobody');
    await within('nothing to wait', left.drained());
    await turn();
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(left.closed).toBe(true);
});

test('nor from a listener that is paused; what waited to be sent is given up, and nobody waits for it', async () => {
  const { left, right } = createPipe();
  const writer = openPipe(left, { codec: bytesCodec(), highWaterMark: 10_000 });
  const reader = openPipe(right, { codec: bytesCodec() });
  const seen: string[] = [];
  let ended = false;
  writer.on('message', (value) => seen.push(value.toString()));
  writer.on('close', () => {
    ended = true;
  });
  for (const text of ['one', 'two']) {
    reader.send(Buffer.from(text));
    reader.flush();
  }
  writer.pause();
  // More than the kernel takes: the rest of one waits here, and others behind it.
  while (writer.stats().queuedMessages < 3) writer.send(Buffer.alloc(300_000));
  const drained = writer.drained();
  reader.destroy();
  await within('the drain', drained);
  expect(writer.send(Buffer.from('to nobody'))).toBe(true);
  expect(ended).toBe(false);
  writer.resume();
  await until('the end', () => ended);
  expect(seen).toEqual(['one', 'two']);
});

test('a view stays as it is while its listener pauses and meets the end', async () => {
  const { left, right } = createPipe();
  const reader = openPipe(left, { codec: bytesCodec({ view: true }) });
  const writer = openPipe(right, { codec: bytesCodec() });
  for (const text of ['one', 'two']) {
    writer.send(Buffer.from(text));
    writer.flush();
  }
  writer.destroy();
  const seen: string[] = [];
  reader.on('message', (view) => {
    reader.pause();
    reader.send(Buffer.from('to nobody'));
    reader.flush();
    seen.push(view.toString());
    setImmediate(() => reader.resume());
  });
  await until('the end', () => reader.closed);
  expect(seen).toEqual(['one', 'two']);
});

test('an end that stops reading learns of the end that a send has found before', async () => {
  const [left, right] = pair();
  left.on('message', () => {});
  right.destroy();
  left.send('to nobody');
  left.flush();
  left.pause();
  await until('the end', () => left.closed);
});

test('an end that only looks learns that its peer has gone, after the last message', async () => {
  const [left, right] = pair();
  right.send('last');
  await right.close();
  const seen: unknown[] = [];
  for (let turns = 0; turns < 50 && !left.closed; turns++) {
    const value = left.tryReceive();
    if (value !== undefined) seen.push(value);
    await turn();
  }
  expect(seen).toEqual(['last']);
  expect(left.closed).toBe(true);
});

test("an error that a listener throws is not the pipe's, whatever its kind", async () => {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
  try {
    const [left, right] = pair();
    const error = new SystemCallError('bind', 98, '0.0.0.0:80');
    const seen: unknown[] = [];
    left.on('message', (value) => {
      seen.push(value);
      if (value === 'throw') throw error;
    });
    right.send('throw');
    right.send('next');
    await until('what was sent after it', () => seen.length === 2);
    expect(thrown).toEqual([error]);
    expect(left.closed).toBe(false);
    left.destroy();
    right.destroy();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  }
});

test("nor is one of a listener for drains, even where it looks like the peer's end", async () => {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
  try {
    const { left, right } = createPipe();
    const writer = openPipe(left, { codec: bytesCodec(), highWaterMark: 10_000 });
    const error = new SystemCallError('write', 32, 'a file');
    writer.on('drain', () => {
      throw error;
    });
    while (writer.send(Buffer.alloc(60_000)));
    const datagram = Buffer.alloc(65_536);
    await until('the error', () => {
      syscalls.receive(right, datagram, 0, datagram.length);
      return thrown.length > 0;
    });
    expect(thrown).toEqual([error]);
    expect(writer.closed).toBe(false);
    writer.destroy();
    syscalls.close(right);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  }
});

test('a closed end hands nothing to a descriptor that may be of another by now', async () => {
  const [left, right] = pair();
  left.send('gathered');
  left.destroy();
  const other = createPipe();
  expect(left.tryReceive()).toBeUndefined();
  left.flush();
  const datagram = Buffer.alloc(65_536);
  for (const fd of [other.left, other.right])
    expect(syscalls.receive(fd, datagram, 0, datagram.length)).toBeLessThan(0);
  for (const fd of [other.left, other.right]) syscalls.close(fd);
  right.destroy();
});
