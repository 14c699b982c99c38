import { expect, test } from 'vitest';
import { daemonize, execute, inherit, ProcessPool, runWorker } from '../../src/index.js';

const WRONG = { timout: 1 } as object;
const pool = new ProcessPool([{ name: 'a', entry: '/nowhere/module.js' }], {});

test.each<[string, () => unknown]>([
  ['start()', () => pool.start(WRONG)],
  ['stop()', () => pool.stop(WRONG)],
  ['reload()', () => pool.reload(WRONG)],
  ['remove()', () => pool.remove([], WRONG)],
  ['scaleTo()', () => pool.scaleTo(1, WRONG)],
  ['execute()', () => execute('true', [], WRONG)],
  ['daemonize()', () => daemonize(WRONG)],
  ['inherit()', () => inherit(WRONG)],
  ['runWorker()', () => runWorker({}, WRONG)],
])('%s refuses a misspelt option before it does anything', async (name, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${name} has no option 'timout'`),
  });
  expect(pool.status().running).toBe(false);
});
