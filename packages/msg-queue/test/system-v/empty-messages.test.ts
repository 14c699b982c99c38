import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { SystemVQueue } from '../../src/index.js';

test('an empty message that a waiting thread has taken is not lost to who begins to wait before that is heard', async () => {
  const queue = SystemVQueue.createPrivate();
  try {
    const other = SystemVQueue.attach(queue.id);
    const first = queue.receive();
    other.trySend(Buffer.alloc(0), 7);
    // The thread takes it; the loop of this one has no turn meanwhile.
    const deadline = performance.now() + 10_000;
    while (other.stat().messages > 0 && performance.now() < deadline);
    expect(other.stat().messages).toBe(0);
    const second = queue.receive();
    expect(await within('the empty message', first)).toMatchObject({ type: 7 });
    other.trySend(Buffer.from('x'), 8);
    expect(await within('the other message', second)).toMatchObject({ type: 8 });
  } finally {
    queue.free();
    queue.close();
  }
});
