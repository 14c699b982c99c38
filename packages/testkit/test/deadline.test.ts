import { expect, test } from 'vitest';
import { Hopeless, until, within } from '../src/index.js';

test('until returns the first value that is something', async () => {
  let turns = 0;
  expect(await until('three turns', () => (++turns === 3 ? turns : undefined))).toBe(3);
});

test('until names what did not happen, and the last error', async () => {
  const failing = until('the impossible', () => Promise.reject(new Error('not today')), { deadlineMs: 20 });
  await expect(failing).rejects.toThrow('Not within 20 ms: the impossible');
  await failing.catch((error: Error) => expect((error.cause as Error).message).toBe('not today'));
});

test('until asks what was missing when it gives up', async () => {
  let looks = 0;
  const look = () => {
    looks++;
    return false;
  };
  const [failed] = await Promise.allSettled([
    until(() => `the impossible, after ${looks} looks`, look, { deadlineMs: 20 }),
  ]);
  expect(looks).toBeGreaterThan(1);
  expect(failed).toMatchObject({
    reason: { message: `Not within 20 ms: the impossible, after ${looks} looks` },
  });
});

test('within rejects when a promise does not settle', async () => {
  await expect(within('nothing', new Promise(() => {}), 10)).rejects.toThrow(
    'Not settled within 10 ms: nothing',
  );
});

test('within asks what has not settled when it gives up', async () => {
  let told = 'not yet';
  const failing = within(() => `nothing, ${told}`, new Promise(() => {}), 10);
  told = 'still not';
  await expect(failing).rejects.toThrow('Not settled within 10 ms: nothing, still not');
});

test('until waits no longer for what can no longer come true', async () => {
  let turns = 0;
  const hopeless = until('the impossible', () => {
    if (++turns === 2) throw new Hopeless('it has ended');
    throw new Error('not yet');
  });
  await expect(hopeless).rejects.toThrow('it has ended');
});
