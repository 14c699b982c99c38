import { until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { NodePoller } from '../src/index.js';
import { createSocketPair, ECONNRESET, SOCK_SEQPACKET, syscalls } from '../src/syscalls.js';

/** One end of a pair whose other end has sent these datagrams, and gone with one that it had not read. */
function abandoned(...datagrams: string[]): number {
  const [own, other] = createSocketPair(SOCK_SEQPACKET);
  onTestFinished(() => void syscalls.close(own));
  syscalls.send(own, Buffer.from('unread'), 0, 6);
  for (const text of datagrams) syscalls.send(other, Buffer.from(text), 0, text.length);
  syscalls.close(other);
  return own;
}

test('after an error it goes on reporting what there is to read', async () => {
  const fd = abandoned('one', 'two');
  const results: (string | number)[] = [];
  const registration = new NodePoller().add(fd, () => {
    const memory = Buffer.alloc(8);
    const count = syscalls.receive(fd, memory, 0, 8);
    results.push(count > 0 ? memory.toString('latin1', 0, count) : count);
    if (count === 0) registration.close();
  });
  onTestFinished(() => registration.close());
  registration.update({ read: true, write: false });
  await until('the end', () => results.at(-1) === 0);
  expect(results).toEqual([-ECONNRESET, 'one', 'two', 0]);
});

test('an error goes on being reported although the callback that was told of it has thrown', async () => {
  const errors: unknown[] = [];
  const caught = (error: unknown) => errors.push(error);
  const before = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', caught);
  onTestFinished(() => {
    process.removeListener('uncaughtException', caught);
    for (const listener of before) process.on('uncaughtException', listener as () => void);
  });
  const fd = abandoned();
  let calls = 0;
  const registration = new NodePoller().add(fd, () => {
    if (++calls === 1) throw new Error('the first time');
  });
  onTestFinished(() => registration.close());
  registration.update({ read: true, write: false });
  await until('the second call', () => calls > 1);
  expect(errors).toEqual([new Error('the first time')]);
});

test('an error that stays, because nobody looks at it, is not reported for ever, but again when asked', async () => {
  const fd = abandoned();
  let calls = 0;
  const registration = new NodePoller().add(fd, () => calls++);
  onTestFinished(() => registration.close());
  registration.update({ read: true, write: false });
  const quiet = async () => {
    let turns = 0;
    for (let last = -1; last !== calls || turns < 10; turns++) {
      last = calls;
      expect(turns).toBeLessThan(1_000);
      await new Promise(setImmediate);
    }
  };
  await quiet();
  const first = calls;
  expect(first).toBeGreaterThan(1);
  registration.update({ read: true, write: false });
  await until('another call', () => calls > first);
  await quiet();
});

test('a callback that stops the watching, or ends it, at an error is told nothing more', async () => {
  const poller = new NodePoller();
  const calls = [0, 0];
  const stopped = poller.add(abandoned(), () => {
    calls[0] = (calls[0] as number) + 1;
    stopped.update({ read: false, write: false });
  });
  const ended = poller.add(abandoned(), () => {
    calls[1] = (calls[1] as number) + 1;
    ended.close();
  });
  onTestFinished(() => stopped.close());
  for (const registration of [stopped, ended]) registration.update({ read: true, write: true });
  await until('both calls', () => !calls.includes(0));
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(calls).toEqual([1, 1]);
});

test('an event descriptor that is watched by its edges is told once for each write, and needs no reading', async () => {
  const fd = syscalls.eventfd();
  onTestFinished(() => void syscalls.close(fd));
  let calls = 0;
  const registration = new NodePoller().addEdge(fd, () => calls++);
  onTestFinished(() => registration.close());
  registration.update({ read: true, write: false });
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  syscalls.eventfdSignal(fd);
  // The change from levels to edges may be told as one more.
  await until('the first write is told', () => calls > 0);
  await settled();
  expect(calls).toBeLessThanOrEqual(2);
  for (let write = 0; write < 3; write++) {
    calls = 0;
    syscalls.eventfdSignal(fd);
    await until('the write is told', () => calls > 0);
    await settled();
    expect(calls).toBe(1);
  }
});
