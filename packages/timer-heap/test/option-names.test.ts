import { expect, test } from 'vitest';
import { TimerHeap } from '../src/index.js';

const WRONG = { sgnal: 1 } as object;

test('sleep() and ticks() refuse a misspelt option, and make no timer', async () => {
  using heap = new TimerHeap();
  const refused = { code: 'ERR_MILLRACE_TIMER_OPTION', message: expect.stringContaining("'sgnal'") };
  await expect(heap.sleep(1, WRONG)).rejects.toMatchObject(refused);
  expect(() => heap.ticks(1, WRONG)).toThrow(expect.objectContaining(refused));
  expect(heap.stats().num).toBe(0);
});
