import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDescriptors, until, within } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { ftok, readSystemVLimits, SystemVQueue, type SystemVQueueOptions } from '../../src/index.js';
import { testKey } from '../support.js';

const open: SystemVQueue[] = [];

function make(options: SystemVQueueOptions = {}): SystemVQueue {
  const queue = SystemVQueue.create(testKey(), options);
  open.push(queue);
  return queue;
}

function again(queue: SystemVQueue): SystemVQueue {
  const other = SystemVQueue.attach(queue.id);
  open.push(other);
  return other;
}

afterEach(() => {
  for (const queue of open.splice(0)) {
    queue.close();
    queue.free();
  }
});

const text = (data: string) => Buffer.from(data);

/** Threads of this process that wait on queues. */
function waitingThreads(): number {
  return readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('millrace-msgq');
    } catch {
      return false; // it has just ended
    }
  }).length;
}

describe('opening', () => {
  test('open needs a queue, create needs none, openOrCreate takes either', () => {
    const key = testKey();
    expect(() => SystemVQueue.open(key)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_NOT_FOUND', syscall: 'msgget' }),
    );
    const queue = SystemVQueue.create(key, { capacity: 1_000 });
    open.push(queue);
    expect(() => SystemVQueue.create(key)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_EXISTS' }),
    );
    const same = SystemVQueue.openOrCreate(key, { capacity: 2_000 });
    expect(same.id).toBe(queue.id);
    expect(same.stat().capacity).toBe(1_000);
    same.close();
  });

  test('a queue is visible in ipcs by its key and its identifier', () => {
    const queue = make();
    const line = execFileSync('ipcs', ['-q'], { encoding: 'utf8' })
      .split('\n')
      .find((row) => row.startsWith(`0x${queue.key.toString(16).padStart(8, '0')}`));
    expect(line?.trim().split(/\s+/)[1]).toBe(String(queue.id));
  });

  test('the key of a path is that of ftok', () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-ftok-'));
    try {
      const script = `import ctypes; print(ctypes.CDLL(None).ftok(b'${directory}', 77))`;
      expect(ftok(directory, 77)).toBe(Number(execFileSync('python3', ['-c', script], { encoding: 'utf8' })));
      const queue = SystemVQueue.create({ path: directory, project: 77 });
      open.push(queue);
      expect(queue.key).toBe(ftok(directory, 77));
    } finally {
      rmSync(directory, { recursive: true });
    }
    const refused = expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ARGUMENT' });
    expect(() => ftok(directory, 1)).toThrow(refused);
    expect(() => ftok('/tmp', 256)).toThrow(refused);
    expect(() => ftok('/tmp\0', 1)).toThrow(refused);
  });

  test.each([0, 1.5, 2 ** 32, Number.NaN])('%d is no key', (key) => {
    expect(() => SystemVQueue.openOrCreate(key)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ARGUMENT' }),
    );
  });

  test('a capacity over the limit is refused by its name, and no queue is left', () => {
    const key = testKey();
    const { capacity } = readSystemVLimits();
    expect(() => SystemVQueue.create(key, { capacity: 2 ** 30 })).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_LIMIT',
        limit: capacity,
        message: expect.stringContaining('sysctl -w kernel.msgmnb='),
      }),
    );
    expect(SystemVQueue.free(key)).toBe(false);
  });

  test('a private queue has no key and is opened by its identifier', () => {
    const queue = SystemVQueue.createPrivate();
    open.push(queue);
    expect(queue.key).toBe(0);
    expect(again(queue).trySend(text('x'))).toBe('sent');
    expect(queue.tryReceive()).toEqual({ data: text('x'), type: 1 });
  });
});

describe('messages', () => {
  test('G18 ten strings pushed: the statistics have 10 messages and the sum of their bytes; freeing removes the queue', () => {
    const queue = make();
    let bytes = 0;
    for (let i = 0; i < 10; i++) {
      const message = text(`message ${i} ${'é'.repeat(i * 7)}`);
      bytes += message.length;
      expect(queue.trySend(message)).toBe('sent');
    }
    expect(queue.stat()).toMatchObject({ messages: 10, bytes, lastSender: process.pid, lastReceiver: 0 });
    expect(queue.free()).toBe(true);
    expect(() => SystemVQueue.open(queue.key)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_NOT_FOUND' }),
    );
    expect(queue.free()).toBe(false);
  });

  test('messages are received in order, or by type, or by the lowest type', () => {
    const queue = make();
    for (const [data, type] of [
      ['a', 5],
      ['b', 3],
      ['c', 5],
      ['d', 4],
    ] as const)
      queue.trySend(text(data), type);
    expect(queue.tryReceive(5)).toEqual({ data: text('a'), type: 5 });
    expect(queue.tryReceive(-4)).toEqual({ data: text('b'), type: 3 });
    expect(queue.tryReceive(7)).toBe('empty');
    expect(queue.tryReceive()).toEqual({ data: text('c'), type: 5 });
    expect(queue.tryReceive()).toEqual({ data: text('d'), type: 4 });
  });

  test('types are exact up to 2^53 - 1', () => {
    const queue = make();
    for (const type of [2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1, 1]) {
      queue.trySend(text('x'), type);
      expect(queue.tryReceive(type)).toEqual({ data: text('x'), type });
    }
  });

  test('full is a value, too large an error with the limit', () => {
    const queue = make({ capacity: 100 });
    expect(queue.trySend(Buffer.alloc(60))).toBe('sent');
    expect(queue.trySend(Buffer.alloc(60))).toBe('full');
    expect(() => queue.trySend(Buffer.alloc(101))).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE',
        message: expect.stringMatching(/101 bytes.*at most 100.*kernel\.msgmnb/),
      }),
    );
    const { value } = readSystemVLimits().messageSize;
    expect(() => queue.trySend(Buffer.alloc((value as number) + 1))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/kernel\.msgmax is \d+/) }),
    );
    expect(() => queue.trySend(text('x'), 0)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_ARGUMENT' }),
    );
  });
});

describe('waiting', () => {
  test('a message that another program posts wakes who waits, and the loop was never blocked', async () => {
    const queue = make();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const received = queue.receive();
    await until('turns of the loop', () => turns > 5);
    const script = `
import ctypes, struct
ctypes.CDLL(None).msgsnd(${queue.id}, struct.pack('l5s', 42, b'hello'), 5, 0)`;
    execFileSync('python3', ['-c', script]);
    expect(await within('the message', received)).toEqual({ data: text('hello'), type: 42 });
    clearInterval(ticking);
  });

  test('who waits sleeps: no time of the processor goes by', async () => {
    const queue = make();
    const received = queue.receive();
    await until('the thread', () => waitingThreads() === 1);
    const thread = readdirSync('/proc/self/task').find((id) =>
      readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('millrace-msgq'),
    );
    const switches = () =>
      readFileSync(`/proc/self/task/${thread}/status`, 'utf8').match(/ctxt_switches:\t\d+/g);
    await until('it sleeps', () =>
      /^State:\tS/m.test(readFileSync(`/proc/self/task/${thread}/status`, 'utf8')),
    );
    const before = switches();
    // Nothing to wait for: that nothing happens takes time to see.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(switches()).toEqual(before);
    queue.trySend(text('x'));
    await received;
  });

  test('an empty message wakes too, once, with its type', async () => {
    const queue = make();
    const received = queue.receive();
    await until('the thread', () => waitingThreads() > 0);
    queue.trySend(new Uint8Array(0), 9);
    queue.trySend(text('next'), 8);
    expect(await within('the empty one', received)).toEqual({ data: text(''), type: 9 });
    expect(await within('the next', queue.receive())).toEqual({ data: text('next'), type: 8 });
    expect(queue.stat().messages).toBe(0);
  });

  test('several types are awaited at once, and each wait gets its own', async () => {
    const queue = make();
    const waits = [queue.receive({ type: 2 }), queue.receive({ type: 1 }), queue.receive({ type: 2 })];
    for (const [data, type] of [
      ['one', 1],
      ['two', 2],
      ['three', 2],
    ] as const)
      queue.trySend(text(data), type);
    const seen = await within('all', Promise.all(waits));
    expect(seen.map(({ data }) => data.toString())).toEqual(['two', 'one', 'three']);
  });

  test('of several that wait each message goes to one', async () => {
    const queue = make();
    const readers = [queue, again(queue), again(queue)];
    const seen: number[] = [];
    const stop = new AbortController();
    const reading = readers.map(async (reader) => {
      for await (const { data } of reader.messages({ signal: stop.signal })) seen.push(data.readUInt32LE());
    });
    for (let i = 0; i < 2_000; i++) {
      const message = Buffer.alloc(4);
      message.writeUInt32LE(i);
      await queue.send(message);
    }
    await until('all messages', () => seen.length >= 2_000);
    stop.abort();
    await Promise.allSettled(reading);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
  });

  test('sends that wait go out in order as room appears', async () => {
    const queue = make({ capacity: 300 });
    const reader = again(queue);
    const sending = Promise.all(Array.from({ length: 50 }, (_, i) => queue.send(Buffer.alloc(100, i))));
    const seen: number[] = [];
    for (let i = 0; i < 50; i++) seen.push((await within('a message', reader.receive())).data[0] as number);
    await within('the sends', sending);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test('a wait ends by its signal or its time-out, takes no message and leaves no thread', async () => {
    const queue = make({ capacity: 100 });
    await expect(queue.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    expect(waitingThreads()).toBe(0);
    queue.trySend(Buffer.alloc(100, 1));
    const late = queue.send(Buffer.alloc(100, 2), { timeout: 1 });
    const behind = queue.send(Buffer.alloc(100, 3));
    await expect(late).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    expect((await queue.receive()).data[0]).toBe(1);
    await within('the send behind', behind);
    expect((await queue.receive()).data[0]).toBe(3);
  });

  test('removing the queue ends every wait with an error that says so', async () => {
    const queue = make({ capacity: 100 });
    const other = again(queue);
    queue.trySend(Buffer.alloc(100));
    const waits: Promise<unknown>[] = [
      queue.receive({ type: 7 }),
      queue.send(Buffer.alloc(100)),
      queue.send(Buffer.alloc(100)),
      other.receive({ type: 9 }),
    ];
    await until('the threads', () => waitingThreads() === 3);
    const ends = Promise.allSettled(waits);
    SystemVQueue.free(queue.key);
    for (const end of await within('the ends', ends)) {
      expect(end).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'ERR_MILLRACE_QUEUE_REMOVED',
          cause: { syscall: expect.stringMatching(/^msg(rcv|snd)$/) },
        },
      });
    }
    expect(queue.closed).toBe(true);
    expect(() => other.tryReceive()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_REMOVED' }));
    expect(waitingThreads()).toBe(0);
  });

  test('a queue that is removed while nobody waits says so at the next call', () => {
    const queue = make();
    SystemVQueue.free(queue.key);
    expect(() => queue.trySend(text('x'))).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_REMOVED' }),
    );
  });

  test('closing releases those that wait, and leaves no thread and no descriptor', async () => {
    const before = openDescriptors('self');
    const queue = make({ capacity: 100 });
    queue.trySend(Buffer.alloc(100));
    const waits = [queue.receive({ type: 7 }), queue.send(Buffer.alloc(100))];
    expect(waitingThreads()).toBe(2);
    const ends = Promise.allSettled(waits);
    queue.close();
    queue.close();
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ERR_MILLRACE_QUEUE_CLOSED' } });
    }
    expect(waitingThreads()).toBe(0);
    expect(openDescriptors('self')).toBe(before);
  });

  test('threads of many types are not kept', async () => {
    const queue = make();
    for (let type = 1; type <= 20; type++) {
      const waiting = queue.receive({ type });
      queue.trySend(text('x'), type);
      await waiting;
    }
    expect(waitingThreads()).toBeLessThanOrEqual(2);
  });
});
