import { afterEach, describe, expect, test } from 'vitest';
import { PosixQueue, SystemVQueue } from '../../src/index.js';
import { testName } from '../support.js';

const MONTH_MS = 30 * 86_400_000;
const NO_TIMES = [Number.NaN, -1, '5' as unknown as number];

const kinds = {
  POSIX: () => PosixQueue.create(testName(), { maxMessages: 1, messageSize: 16 }),
  'System V': () => SystemVQueue.createPrivate({ capacity: 16 }),
};

const open: (PosixQueue | SystemVQueue)[] = [];
afterEach(() => {
  for (const queue of open.splice(0)) {
    if (queue instanceof PosixQueue) queue.unlink();
    else queue.free();
    queue.close();
  }
});

describe.each(Object.entries(kinds))('a %s queue', (_, make) => {
  const queue = () => {
    const made = make();
    open.push(made);
    return made;
  };
  const full = (of: PosixQueue | SystemVQueue) => {
    expect(of.trySend(Buffer.alloc(16))).toBe('sent');
    expect(of.trySend(Buffer.alloc(16))).toBe('full');
  };

  test.each([MONTH_MS, Number.POSITIVE_INFINITY])('waits for a message for %d ms', async (timeout) => {
    const one = queue();
    const received = one.receive({ timeout });
    setImmediate(() => one.trySend(Buffer.from('here')));
    expect((await received).data.toString()).toBe('here');
  });

  test.each([MONTH_MS, Number.POSITIVE_INFINITY])('waits for room for %d ms', async (timeout) => {
    const one = queue();
    full(one);
    const sent = one.send(Buffer.from('next'), { timeout });
    setImmediate(() => one.tryReceive());
    await sent;
    expect((await one.receive({ timeout: 0 })).data.toString()).toBe('next');
  });

  test('looks once with 0, whichever way', async () => {
    const one = queue();
    await expect(one.receive({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    await one.send(Buffer.alloc(16), { timeout: 0 });
    await expect(one.send(Buffer.alloc(16), { timeout: 0 })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TIMEOUT',
    });
    expect((await one.receive({ timeout: 0 })).data).toHaveLength(16);
  });

  test('refuses what is no time before it sends or receives anything', async () => {
    const one = queue();
    for (const timeout of NO_TIMES) {
      await expect(one.send(Buffer.from('x'), { timeout })).rejects.toMatchObject({
        code: 'ERR_MILLRACE_TIMEOUT_VALUE',
      });
      expect(one.stat().messages).toBe(0);
      await expect(one.receive({ timeout })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT_VALUE' });
    }
    await expect(one.receive({ signal: {} as AbortSignal })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_SIGNAL_VALUE',
    });
  });
});

test('misspelt options of a queue are refused with the nearest name, and no queue is made', () => {
  const name = testName();
  expect(() => PosixQueue.create(name, { maxMesages: 2 } as object)).toThrow("did you mean 'maxMessages'?");
  expect(PosixQueue.unlink(name)).toBe(false);
  expect(() => SystemVQueue.createPrivate({ capcity: 16 } as object)).toThrow("did you mean 'capacity'?");
});
