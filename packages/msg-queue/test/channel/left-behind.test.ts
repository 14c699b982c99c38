import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { PosixQueue, QueueChannel, SystemVQueue } from '../../src/index.js';
import { testName } from '../support.js';

const canMount = () =>
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t mqueue none /proc']).status === 0;

test('queues that a channel has left behind are found by the list, mounted or not, and removed by name', async (context) => {
  const name = testName();
  const channel = QueueChannel.open(name, 'left', { maxMessages: 2, messageSize: 512 });
  channel.destroy();
  try {
    const names = PosixQueue.list();
    if (names === undefined) {
      expect(canMount()).toBe(false);
      return context.skip('neither is an mqueue file system mounted, nor may one be');
    }
    expect(names).toEqual(expect.arrayContaining(QueueChannel.names(name)));
  } finally {
    QueueChannel.unlink(name);
  }
  for (const gone of QueueChannel.names(name)) expect(PosixQueue.list()).not.toContain(gone);
  return undefined;
});

test('a System V queue that was left behind is in the list with its messages, until it is freed', () => {
  const queue = SystemVQueue.createPrivate();
  queue.trySend('abc');
  queue.close();
  expect(SystemVQueue.list()).toContainEqual({
    key: 0,
    id: queue.id,
    messages: 1,
    bytes: 3,
    uid: process.getuid?.(),
  });
  SystemVQueue.attach(queue.id).free();
  expect(SystemVQueue.list()?.map(({ id }) => id)).not.toContain(queue.id);
});

test('a POSIX queue whose name is removed goes on for who has it open, and a new one of that name is another', async () => {
  const name = testName();
  const options = { maxMessages: 2, messageSize: 16 };
  const old = PosixQueue.create(name, options);
  const other = PosixQueue.open(name);
  const waiting = old.receive({ timeout: 20_000 });
  expect(old.unlink()).toBe(true);
  const anew = PosixQueue.create(name, options);
  try {
    anew.trySend('new');
    other.trySend('old');
    expect((await waiting).data.toString()).toBe('old');
    await expect(old.receive({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    expect((await anew.receive({ timeout: 0 })).data.toString()).toBe('new');
    const closed = expect(old.receive()).rejects.toMatchObject({ code: 'ERR_MILLRACE_QUEUE_CLOSED' });
    old.close();
    await closed;
  } finally {
    anew.unlink();
    for (const queue of [old, other, anew]) queue.close();
  }
});

test('a System V queue that is removed ends the waits with an error that says so', async () => {
  const queue = SystemVQueue.createPrivate();
  const waiting = expect(queue.receive()).rejects.toMatchObject({ code: 'ERR_MILLRACE_QUEUE_REMOVED' });
  queue.free();
  await waiting;
});

test('the error at the limit names the limit and what removes queues that were left behind', () => {
  const name = testName();
  // More bytes than RLIMIT_MSGQUEUE lets this user have; root may exceed the number and size of messages, not this.
  const huge = () => PosixQueue.create(name, { maxMessages: 60_000, messageSize: 16_000_000 });
  expect(huge).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_LIMIT' }));
  const made: string[] = [];
  const fill = () => {
    for (let i = 0; i < 400; i++) {
      const next = `${name}-${i}`;
      PosixQueue.create(next, { maxMessages: 10, messageSize: 8_192 }).close();
      made.push(next);
    }
  };
  try {
    expect(fill).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_LIMIT',
        message: expect.stringMatching(
          /PosixQueue\.unlink\(name\).*(RLIMIT_MSGQUEUE|fs\.mqueue\.queues_max)/,
        ),
      }),
    );
  } finally {
    for (const one of made) PosixQueue.unlink(one);
  }
});
