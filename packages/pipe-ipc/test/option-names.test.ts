import { expect, test } from 'vitest';
import {
  connectPipe,
  createPipe,
  listenPipe,
  openPipe,
  PipeTransport,
  pipeFromParent,
  spawnWithPipe,
  threadWithPipe,
} from '../src/index.js';

const WRONG = { timout: 1 } as object;
const NOWHERE = 'file:///nowhere/module.js';

test.each<[string, () => unknown]>([
  ['createPipe()', () => createPipe(WRONG)],
  ['openPipe()', () => openPipe(-1, WRONG)],
  ['pipeFromParent()', () => pipeFromParent(WRONG)],
  ['A PipeTransport', () => new PipeTransport(-1, WRONG)],
  ['listenPipe()', () => listenPipe('/nowhere/pipe', () => {}, WRONG)],
  ['connectPipe()', () => connectPipe('/nowhere/pipe', WRONG)],
  ['spawnWithPipe()', () => spawnWithPipe(new URL(NOWHERE), WRONG)],
  ['threadWithPipe()', () => threadWithPipe(new URL(NOWHERE), WRONG)],
])('%s refuses a misspelt option before it does anything', async (name, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${name} has no option 'timout'`),
  });
});
