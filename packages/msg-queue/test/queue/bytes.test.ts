import { everyKindOfBytes, NO_BYTES } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { PosixQueue, SystemVQueue } from '../../src/index.js';
import { testName } from '../support.js';

const EIGHT = Buffer.of(1, 2, 3, 4, 5, 6, 7, 8);

const open: (() => void)[] = [];
afterEach(() => {
  for (const remove of open.splice(0)) remove();
});

function posix() {
  const queue = PosixQueue.create(testName(), { maxMessages: 4, messageSize: 64 });
  open.push(() => {
    queue.unlink();
    queue.close();
  });
  return queue;
}

function systemV() {
  const queue = SystemVQueue.createPrivate();
  open.push(() => {
    queue.free();
    queue.close();
  });
  return queue;
}

describe.each([
  ['POSIX', posix],
  ['System V', systemV],
])('a %s queue', (_, make) => {
  test.each(Object.entries(everyKindOfBytes()))('takes %s whole', async (_, bytes) => {
    const queue = make();
    expect(queue.trySend(bytes)).toBe('sent');
    await queue.send(bytes);
    for (let i = 0; i < 2; i++) expect(queue.tryReceive()).toMatchObject({ data: EIGHT });
  });

  test('takes text as UTF-8', async () => {
    const queue = make();
    queue.trySend('häé');
    await queue.send('😀');
    expect((await queue.receive()).data.toString()).toBe('häé');
    expect((await queue.receive()).data.toString()).toBe('😀');
  });

  test.each(NO_BYTES)('refuses %o, and nothing is sent', async (value) => {
    const queue = make();
    const refused = { code: 'ERR_MILLRACE_BYTES' };
    expect(() => queue.trySend(value as Uint8Array)).toThrow(expect.objectContaining(refused));
    await expect(queue.send(value as Uint8Array)).rejects.toMatchObject(refused);
    expect(queue.tryReceive()).toBe('empty');
  });
});
