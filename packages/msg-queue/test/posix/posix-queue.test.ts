import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDescriptors, until, within } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { PosixQueue, type PosixQueueOptions, readPosixLimits } from '../../src/index.js';
import { testName } from '../support.js';

const open: PosixQueue[] = [];

function make(options: PosixQueueOptions = { maxMessages: 4, messageSize: 64 }): PosixQueue {
  const queue = PosixQueue.create(testName(), options);
  open.push(queue);
  return queue;
}

function again(queue: PosixQueue): PosixQueue {
  const other = PosixQueue.open(queue.name);
  open.push(other);
  return other;
}

afterEach(() => {
  for (const queue of open.splice(0)) {
    queue.close();
    queue.unlink();
  }
});

const text = (data: string) => Buffer.from(data);

describe('opening', () => {
  test('open needs a queue, create needs none, openOrCreate takes either', () => {
    const name = testName();
    expect(() => PosixQueue.open(name)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_NOT_FOUND', errno: 2, syscall: 'mq_open' }),
    );
    open.push(PosixQueue.create(name, { maxMessages: 2, messageSize: 16 }));
    expect(() => PosixQueue.create(name)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_EXISTS' }),
    );
    const opened = PosixQueue.openOrCreate(name, { maxMessages: 3, messageSize: 32 });
    open.push(opened);
    expect([opened.maxMessages, opened.messageSize]).toEqual([2, 16]);
  });

  test('without numbers a queue has the defaults of the system', () => {
    const queue = make({});
    expect(queue.maxMessages).toBeGreaterThan(0);
    expect(queue.stat()).toEqual({
      messages: 0,
      bytes: 0,
      maxMessages: queue.maxMessages,
      messageSize: queue.messageSize,
    });
  });

  test.each(['', 'no-slash', '/', '/a/b', '/a\0b', '/..', `/${'x'.repeat(256)}`])('%j is no name', (name) => {
    expect(() => PosixQueue.create(name)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ARGUMENT' }),
    );
  });

  test('what is over a limit is refused by the name of the limit, its value and what changes it', () => {
    const limits = readPosixLimits();
    const huge = 2 ** 30;
    for (const [options, limit] of [
      [{ maxMessages: huge }, limits.maxMessages],
      [{ messageSize: huge }, limits.messageSize],
    ] as const) {
      let error: unknown;
      try {
        make(options);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'ERR_MILLRACE_QUEUE_LIMIT', limit });
      expect(String(error)).toContain(`${limit.name} is ${limit.value}`);
      expect(String(error)).toContain(`sysctl -w ${limit.name}=`);
    }
  });

  test('more bytes than RLIMIT_MSGQUEUE are refused by that name, and nothing is left open', (context) => {
    const before = openDescriptors('self');
    const { value } = readPosixLimits().bytes;
    if (value === undefined || value > 2 ** 23)
      return context.skip(`RLIMIT_MSGQUEUE is ${value}: too much to fill`);
    const names: string[] = [];
    const fill = () => {
      for (let i = 0; i < 1_000; i++) names.push(make({ maxMessages: 10, messageSize: 8_192 }).name);
    };
    expect(fill).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_LIMIT',
        limit: { name: 'RLIMIT_MSGQUEUE', value },
        message: expect.stringContaining('ulimit -q'),
      }),
    );
    expect(openDescriptors('self')).toBe(before + names.length);
    return undefined;
  });

  test('a queue opened for one direction refuses the other', () => {
    const queue = make();
    const reader = PosixQueue.open(queue.name, { access: 'receive' });
    expect(() => reader.trySend(text('x'))).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ACCESS' }),
    );
    reader.close();
    const writer = PosixQueue.open(queue.name, { access: 'send' });
    expect(() => writer.tryReceive()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ACCESS' }));
    writer.close();
  });

  test('the list has a queue that exists, or says that it cannot be known', () => {
    const queue = make();
    const names = PosixQueue.list();
    if (names !== undefined) expect(names).toContain(queue.name);
    expect(PosixQueue.list('/nowhere')).toBeUndefined();
    expect(PosixQueue.list('/tmp')).toBeUndefined();
  });
});

test('where the kernel shows its queues, the list has them all, wherever that is mounted', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-mqueue-'));
  const mounted = spawnSync('mount', ['-t', 'mqueue', 'none', directory]);
  try {
    if (mounted.status !== 0) return context.skip(`no file system can be mounted here: ${mounted.stderr}`);
    const queue = make();
    expect(PosixQueue.list(directory)).toContain(queue.name);
    queue.unlink();
    expect(PosixQueue.list(directory)).not.toContain(queue.name);
    return undefined;
  } finally {
    if (mounted.status === 0) spawnSync('umount', [directory]);
    rmdirSync(directory);
  }
});

describe('messages', () => {
  test('G18 (POSIX) ten strings pushed: the statistics have 10 messages and the sum of their bytes; unlinking removes the queue', () => {
    const queue = make({ maxMessages: 10, messageSize: 256 });
    let bytes = 0;
    for (let i = 0; i < 10; i++) {
      const message = text(`message ${i} ${'é'.repeat(i * 3)}`);
      bytes += message.length;
      expect(queue.trySend(message)).toBe('sent');
    }
    expect(queue.stat()).toMatchObject({ messages: 10, bytes });
    expect(queue.unlink()).toBe(true);
    expect(() => PosixQueue.open(queue.name)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_NOT_FOUND' }),
    );
    expect(queue.unlink()).toBe(false);
  });

  test('full and empty are values', () => {
    const queue = make();
    expect(queue.tryReceive()).toBe('empty');
    for (let i = 0; i < 4; i++) expect(queue.trySend(text(`${i}`))).toBe('sent');
    expect(queue.trySend(text('4'))).toBe('full');
    expect(queue.tryReceive()).toEqual({ data: text('0'), priority: 0 });
    expect(queue.trySend(text('4'))).toBe('sent');
  });

  test('higher priorities come first, each in order; empty messages are messages', () => {
    const queue = make();
    queue.trySend(text('low'), 1);
    queue.trySend(text('high'), 32_767);
    queue.trySend(new Uint8Array(0), 1);
    expect([queue.tryReceive(), queue.tryReceive(), queue.tryReceive()]).toEqual([
      { data: text('high'), priority: 32_767 },
      { data: text('low'), priority: 1 },
      { data: text(''), priority: 1 },
    ]);
  });

  test('a message or a priority beyond the limit is refused with the value and the limit', async () => {
    const queue = make();
    expect(() => queue.trySend(Buffer.alloc(65))).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE',
        message: expect.stringMatching(/65 bytes.*at most 64.*fs\.mqueue\.msgsize_max/),
      }),
    );
    await expect(queue.send(text('x'), { priority: 32_768 })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_QUEUE_ARGUMENT',
    });
  });
});

describe('waiting', () => {
  test('a message that another process sends wakes who waits', async () => {
    const queue = make();
    const received = queue.receive();
    const sender = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { PosixQueue } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
       PosixQueue.open(${JSON.stringify(queue.name)}).trySend(Buffer.from('hello'), 3);`,
    ]);
    expect(await within('the message', received)).toEqual({ data: text('hello'), priority: 3 });
    await once(sender, 'close');
  });

  test('sends that wait go out in order as room appears, and receives are served in order', async () => {
    const queue = make();
    const reader = again(queue);
    const sending = Promise.all(Array.from({ length: 20 }, (_, i) => queue.send(Uint8Array.of(i))));
    const seen = await Promise.all(Array.from({ length: 20 }, () => reader.receive()));
    await within('the sends', sending);
    expect(seen.map(({ data }) => data[0])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('trySend does not overtake a send that waits', async () => {
    const queue = make({ maxMessages: 1, messageSize: 8 });
    queue.trySend(text('1'));
    const second = queue.send(text('2'));
    const reader = again(queue);
    expect((reader.tryReceive() as { data: Buffer }).data).toEqual(text('1'));
    expect(queue.trySend(text('3'))).toBe('full');
    await second;
    expect((reader.tryReceive() as { data: Buffer }).data).toEqual(text('2'));
  });

  test('a wait ends by its signal or its time-out, costs no message, and lets those behind it go on', async () => {
    const queue = make({ maxMessages: 1, messageSize: 8 });
    await expect(queue.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    const stop = new AbortController();
    const aborted = queue.receive({ signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    queue.trySend(text('a'));
    const late = queue.send(text('b'), { timeout: 1 });
    const behind = queue.send(text('c'));
    await expect(late).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    expect((await queue.receive()).data).toEqual(text('a'));
    await behind;
    expect((await queue.receive()).data).toEqual(text('c'));
    await expect(queue.receive({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  test('closing releases those that wait, ends the iteration, closes the descriptor; closing twice does nothing', async () => {
    const before = openDescriptors('self');
    const queue = make({ maxMessages: 1, messageSize: 8 });
    queue.trySend(text('only'));
    const seen: string[] = [];
    const iterating = (async () => {
      for await (const { data } of queue) seen.push(data.toString());
    })();
    await until('the first message', () => seen.length === 1);
    const waiting = queue.receive();
    queue.close();
    queue.close();
    await within('the iteration', iterating);
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_MILLRACE_QUEUE_CLOSED' });
    expect(() => queue.trySend(text('x'))).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_CLOSED' }),
    );
    expect(openDescriptors('self')).toBe(before);
  });

  test('iteration ends by its signal', async () => {
    const queue = make();
    const stop = new AbortController();
    queue.trySend(text('x'));
    const iterate = async () => {
      for await (const _ of queue.messages({ signal: stop.signal })) stop.abort(new Error('stopped'));
    };
    await expect(iterate()).rejects.toThrow('stopped');
  });
});
