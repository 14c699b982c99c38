import { expect, test } from 'vitest';
import { inherit, ProcessPool } from '../../src/index.js';
import { daemonize, execute, ManagedProcess, runWorker } from '../../src/process.js';

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

const MEMBER = { name: 'a', entry: '/nowhere/module.js' };

test.each<[string, unknown[], string, string]>([
  [
    'no members',
    [{ name: 'a' }],
    'ERR_MILLRACE_UNKNOWN_OPTION',
    "Members of a ProcessPool has no option 'name'",
  ],
  ['one member alone', [() => MEMBER], 'ERR_MILLRACE_MEMBERS_VALUE', 'A ProcessPool has an array of members'],
  ['nothing', [], 'ERR_MILLRACE_MEMBERS_VALUE', 'not undefined.'],
  ['half of a size', [{ size: 0.5, member: () => MEMBER }], 'ERR_MILLRACE_MEMBERS_VALUE', 'a size of 0'],
  ['a size alone', [{ size: 1 }], 'ERR_MILLRACE_MEMBERS_VALUE', 'a size of 0'],
  ['a member that is none', [[3]], 'ERR_MILLRACE_MEMBERS_VALUE', 'A member is an object'],
  [
    'listen among the members',
    [{ listen: {}, size: 1 }],
    'ERR_MILLRACE_UNKNOWN_OPTION',
    'new ProcessPool(members, events, { listen })',
  ],
  [
    'listen among the events',
    [[MEMBER], { listen: {} }],
    'ERR_MILLRACE_UNKNOWN_OPTION',
    'new ProcessPool(members, events, { listen })',
  ],
  [
    'a misspelt event',
    [[MEMBER], { onExti: () => {} }],
    'ERR_MILLRACE_UNKNOWN_OPTION',
    "The events of a ProcessPool have no 'onExti'; did you mean 'onExit'?",
  ],
])('a ProcessPool with %s is refused', (_what, given, code, message) => {
  const Pool = ProcessPool as unknown as new (...args: unknown[]) => unknown;
  expect(() => new Pool(...given)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

test('a ManagedProcess refuses a misspelt option of its own and of a member', () => {
  for (const [wrong, near] of [
    ['onMesage', 'onMessage'],
    ['startTimout', 'startTimeout'],
  ] as const)
    expect(() => new ManagedProcess('/nowhere/module.js', { [wrong]: 1 } as object)).toThrow(
      `A ManagedProcess has no option '${wrong}'; did you mean '${near}'?`,
    );
});

test('runWorker refuses a misspelt handler', async () => {
  await expect(runWorker({ mesage: () => {} } as object)).rejects.toThrow("did you mean 'message'?");
});

test('runWorker refuses a maxRequestSize that is no number of bytes', async () => {
  for (const maxRequestSize of ['1000', -1, Number.NaN])
    await expect(runWorker({}, { maxRequestSize } as object)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_POOL_ARGUMENT',
      value: maxRequestSize,
      message: expect.stringContaining("'maxRequestSize' is a number of bytes"),
    });
});
