import { afterEach, describe, expect, test } from 'vitest';
import { SystemVQueue } from '../../src/index.js';

const NOBODY = 65_534;

describe.skipIf(process.getuid?.() !== 0)('a System V queue of another user', () => {
  const queue = SystemVQueue.createPrivate();
  afterEach(() => {
    process.seteuid?.(0);
    queue.free();
  });

  test('is refused by an error that says so, whatever is done first', async () => {
    const mine = SystemVQueue.attach(queue.id);
    process.seteuid?.(NOBODY);
    const denied = expect.objectContaining({
      code: 'ERR_MILLRACE_QUEUE_ACCESS',
      message: expect.stringContaining('do not let this user use it'),
      errno: 13,
    });
    expect(() => SystemVQueue.attach(queue.id)).toThrow(denied);
    expect(() => mine.stat()).toThrow(denied);
    expect(() => mine.trySend(Buffer.from('a'))).toThrow(denied);
    expect(() => mine.tryReceive()).toThrow(denied);
    await expect(mine.receive()).rejects.toEqual(denied);
  });
});
