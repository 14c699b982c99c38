import { isRunning, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

/** Its memory takes the kernel tens of milliseconds to give back. */
const large = (name: string, more = {}) =>
  member(name, { entry: fixture('large'), data: {}, earlyRestart: true, ...more });

test.each([true, false])(
  'the next process of a member with an early restart begins before the end of the one that was killed (standby: %s)',
  async (standby) => {
    const { pool, exits, ready } = watch([large('a', { standby })], { spares: standby ? 0 : 1 });
    const order: string[] = [];
    pool.on('halt', (_member, pid) => order.push(`halt ${pid}`));
    pool.on('spawn', ({ pid }) => order.push(`spawn ${pid}`));
    pool.on('exit', (_member, { pid }) => order.push(`exit ${pid}`));
    await pool.start();
    const [one] = pool.members as [Member];
    const early = () =>
      order.findIndex((event, i) => event.startsWith('spawn') && order[i + 1]?.startsWith('exit')) > 0;
    // This process may itself stand still for as long as that takes: then it hears of the end first.
    for (let kills = 1; kills <= 8 && !early(); kills++) {
      if (standby) await until('a standby', () => one.standbyPid !== undefined);
      const killed = one.pid as number;
      one.kill('SIGKILL');
      await until('the next to be ready', () => ready.length === kills + 1 && exits.length === kills);
      expect(exits.at(-1)).toMatchObject({ name: 'a', delay: 0, exit: { pid: killed, signal: 'SIGKILL' } });
      expect(isRunning(one.pid as number)).toBe(true);
      expect(one.pid).not.toBe(killed);
      expect(one.incarnation).toBe(kills + 1);
      expect(order.filter((event) => event === `exit ${killed}`)).toHaveLength(1);
    }
    expect(early()).toBe(true);
    const [halted, begun, ended] = order.slice(order.findIndex((event) => event.startsWith('halt')));
    expect(halted?.split(' ')[1]).toBe(ended?.split(' ')[1]);
    expect(begun).toMatch(/^spawn/);
    expect(one.exits).toEqual({ SIGKILL: exits.length });
  },
);

test('while failures count, the next one waits for the end, and the back-off', async () => {
  const { pool, exits, log } = watch(
    [large('a', { data: { fails: true }, restart: { backOff: 30, stableAfter: 60_000 } })],
    {
      spares: 0,
    },
  );
  let halts = 0;
  pool.on('halt', () => halts++);
  await pool.start().catch(() => {});
  await until('some failures', () => exits.length >= 3);
  expect(exits.slice(0, 3).map(({ delay }) => delay)).toEqual([0, 30, 60]);
  // Only the first end may have been met early.
  expect(halts).toBeLessThanOrEqual(1);
  expect(log.filter((event) => event === 'spawn a').length).toBeLessThanOrEqual(4);
});

test('a pool that stops waits for the end of what has halted, and starts nothing', async () => {
  const { pool, exits } = watch([large('a')], { spares: 0 });
  await pool.start();
  const [one] = pool.members as [Member];
  pool.on('halt', () => void pool.stop({ timeout: 1_000 }));
  one.kill('SIGKILL');
  await until('its end', () => exits.length === 1);
  await pool.stop({ timeout: 1_000 });
  expect(one.settled).toBe(true);
  expect(exits).toHaveLength(1);
});

test('an exclusive member has no early restart', () => {
  expect(() => watch([large('a', { exclusive: true })])).toThrow(
    /cannot be exclusive and have an early restart/,
  );
});
