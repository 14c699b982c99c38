import { randomInt } from 'node:crypto';
import { openDescriptors, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

/** MILLRACE_STRESS=1 kills as many as a release is tested with. */
const KILLS = process.env.MILLRACE_STRESS ? 300 : 30;

test(`${KILLS} kills of any process at any moment, reloads among them, leave every member at work under its name`, async () => {
  const { pool, messages } = watch(
    Array.from({ length: 3 }, (_, i) =>
      member('orderly', { name: `m${i}`, restart: { backOff: 1, maxBackOff: 5 } }),
    ),
    { bus: true, spares: 2 },
  );
  await pool.start();
  const whole = () => {
    const { members, spares } = pool.status();
    return (
      members.every(({ state, drainingPids }) => /ready|running/.test(state) && drainingPids.length === 0) &&
      spares.loaded === 2
    );
  };
  await until('the pool to be whole', whole);
  const descriptors = openDescriptors('self');
  let reloads = 0;
  for (let i = 0; i < KILLS; i++) {
    if (i % 10 === 9)
      void pool
        .reload({ allAtOnce: i % 20 === 9 })
        .then(({ outcome }) => (reloads += outcome === 'reloaded' ? 1 : 0));
    const { members, spares } = pool.status();
    const pids = [
      ...members.flatMap(({ pid, drainingPids }) => [pid ?? 0, ...drainingPids]),
      ...spares.pids,
    ].filter((pid) => pid > 0);
    const victim = pids[randomInt(Math.max(1, pids.length))];
    // None at all between two lives.
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    // Any moment: sometimes at once, sometimes when others have come up.
    for (let turn = randomInt(200); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    if (i % 3 === 0) await until('a member to be up', () => pool.members.some(({ isUp }) => isUp));
  }
  await until('the pool to be whole again', () => !pool.reloading && whole(), { deadlineMs: 60_000 });
  messages.length = 0;
  for (const one of pool.members) one.send('who are you?');
  await until('an answer of each', () => messages.length === 3);
  expect(messages.map((one) => (one as { name: string }).name).sort()).toEqual(['m0', 'm1', 'm2']);
  expect(openDescriptors('self')).toBe(descriptors);
  console.log(
    `${pool.members.map(({ incarnation }) => incarnation).join(' + ')} lives, ${reloads} whole reloads`,
  );
}, 180_000);
