/** A call that throws, or is rejected, must not have been counted: the pool can be closed after any of them. */
import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { startPool } from '../support.js';

class Thrower {
  get aborted(): never {
    throw new Error('looked at');
  }
}
const odd: unknown[] = [
  null,
  NaN,
  -1,
  1.5,
  2 ** 60,
  '1',
  '',
  true,
  Symbol('odd'),
  7n,
  [],
  {},
  () => {},
  new AbortController(),
  new Thrower(),
  Object.create(null),
  // Looks like a signal until something listens to it.
  {
    aborted: false,
    addEventListener() {
      throw new Error('does not listen');
    },
  },
];
const options = ['signal', 'timeout', 'retries', 'worker', 'priority', 'onProgress'] as const;

test('whatever stands in any place of any call, nothing is counted that has no answer, and the pool can be closed', async () => {
  const pool = startPool({ size: 1 });
  const untyped = pool as unknown as Record<string, (...args: unknown[]) => unknown>;
  const outcomes: Promise<unknown>[] = [];
  const attempt = (method: string, ...args: unknown[]) => {
    try {
      outcomes.push(Promise.resolve(untyped[method]?.(...args)).catch(() => {}));
    } catch {
      // Thrown at once: nothing may be left of it.
    }
  };
  for (const value of odd) {
    for (const method of ['run', 'post', 'stream', 'runAll']) {
      const given = method === 'runAll' ? [[1]] : [1];
      attempt(method, value, ...given);
      attempt(method, 'echo', ...given, value);
      for (const option of options) attempt(method, 'echo', ...given, { [option]: value });
      const getter = Object.defineProperty({}, 'signal', { get: () => Object(value) });
      attempt(method, 'echo', ...given, getter);
    }
    attempt('runAll', 'echo', value);
    attempt('call', 'echo', 1, value);
    attempt('call', value, 1, () => {});
    for (const option of options) attempt('call', 'echo', 1, () => {}, { [option]: value });
  }
  await within('every answer', Promise.all(outcomes));
  expect(await pool.run('echo', 'still there')).toBe('still there');
  await within('the end', pool.close());
  expect(pool.stats()).toMatchObject({ queued: 0, running: 0 });
});

test.each([
  ['signal', new AbortController(), 'ERR_MILLRACE_SIGNAL_VALUE'],
  ['timeout', Number.NaN, 'ERR_MILLRACE_TIMEOUT_VALUE'],
  ['retries', -1, 'ERR_MILLRACE_TASK_OPTION'],
  ['worker', '0', 'ERR_MILLRACE_TASK_OPTION'],
  ['worker', 'length', 'ERR_MILLRACE_TASK_OPTION'],
  ['priority', Number.NaN, 'ERR_MILLRACE_TASK_OPTION'],
  ['onProgress', 'report', 'ERR_MILLRACE_TASK_OPTION'],
])(
  'an option that cannot be is an error with a code, and names what came: %s %o',
  async (option, value, code) => {
    const pool = startPool({ size: 1 });
    const more = { [option]: value } as object;
    await expect(pool.run('echo', 1, more)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`'${option}'`),
    });
    expect(() => pool.post('echo', 1, more)).toThrow(expect.objectContaining({ code }));
    await within('the end', pool.close());
  },
);

test.each([undefined, null, 3, 'now', {}])(
  'runAll of %o, which is no array, says what it takes',
  async (values) => {
    await using pool = startPool({ size: 1 });
    await expect(pool.runAll('echo', values as never)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_OPTION',
      message: expect.stringMatching(/^runAll takes an array, with a value for each task, not /),
    });
  },
);
