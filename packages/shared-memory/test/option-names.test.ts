import { expect, test } from 'vitest';
import {
  createRingLink,
  openRingEnd,
  type RingEnd,
  ringFromParent,
  spawnWithRing,
  threadWithRing,
} from '../src/index.js';

const WRONG = { capcity: 1 } as object;
const NOWHERE = new URL('file:///nowhere/module.js');

test.each<[string, () => unknown]>([
  ['createRingLink()', () => createRingLink(WRONG)],
  ['openRingEnd()', () => openRingEnd({} as RingEnd, WRONG)],
  ['ringFromParent()', () => ringFromParent(WRONG)],
  ['spawnWithRing()', () => spawnWithRing(NOWHERE, WRONG)],
  ['threadWithRing()', () => threadWithRing(NOWHERE, WRONG)],
])('%s refuses a misspelt option before it does anything', (name, call) => {
  expect(call).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      message: expect.stringContaining(`${name} has no option 'capcity'`),
    }),
  );
});
