import { afterAll, beforeAll, expect, test } from 'vitest';
import { PosixQueueTransport, QueueChannel, SystemVQueue, SystemVQueueTransport } from '../src/index.js';

const WRONG = { timout: 1 } as object;
let queue: SystemVQueue;

beforeAll(() => {
  queue = SystemVQueue.createPrivate();
});
afterAll(() => queue.close());

test.each<[string, () => unknown]>([
  ['send()', () => queue.send('a', WRONG)],
  ['receive()', () => queue.receive(WRONG)],
  ['messages()', () => queue.messages(WRONG).next()],
  ['A PosixQueueTransport', () => new PosixQueueTransport({}, WRONG)],
  ['A SystemVQueueTransport', () => new SystemVQueueTransport({ outgoing: queue }, WRONG)],
  ['QueueChannel.unlink()', () => QueueChannel.unlink('nobodys', WRONG)],
  ['QueueChannel.unlink()', () => QueueChannel.unlink([1, 2], WRONG)],
])('%s refuses a misspelt option, and nothing is sent or taken', async (name, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${name} has no option 'timout'`),
  });
  expect(queue.stat().messages).toBe(0);
});
