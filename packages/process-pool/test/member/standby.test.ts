import { isRunning, processInfo, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

const waits = (name: string, more = {}) =>
  member(name, { entry: fixture('stands-by'), standby: true, ...more });

async function standbyOf(member: Member, before?: number): Promise<number> {
  await until('a standby', () => member.standbyPid !== undefined && member.standbyPid !== before);
  return member.standbyPid as number;
}

/** What the module of each process tells of itself, in their order. */
const told = (messages: readonly unknown[], what: string) =>
  messages.flatMap((message) => {
    const { told, pid } = message as { told: string; pid: number };
    return told === what ? [pid] : [];
  });

test('a standby has run its module as far as begun, and takes the place of a process that dies', async () => {
  const { pool, messages, ready } = watch([waits('a')], { spares: 0 });
  await pool.start();
  const [one] = pool.members as [Member];
  const standby = await standbyOf(one);
  await until('it to have loaded', () => told(messages, 'loaded').includes(standby));
  expect(processInfo(standby)?.title).toBe('pool-test: a, standby');
  expect(told(messages, 'begun')).not.toContain(standby);
  expect(one.incarnation).toBe(1);
  expect(pool.status().members[0]).toMatchObject({ standbyPid: standby, restarts: 0 });
  one.kill('SIGKILL');
  await until('it to be ready', () => ready.length === 2);
  expect(one.pid).toBe(standby);
  expect(processInfo(standby)?.title).toBe('pool-test: a');
  expect(one.incarnation).toBe(2);
  await standbyOf(one, standby);
});

test('the next standby, and the next spare, come a while after the one that took the place is ready', async () => {
  const { pool, ready } = watch([waits('a')], { spares: 1 });
  await pool.start();
  const [one] = pool.members as [Member];
  const standby = await standbyOf(one);
  await until('a spare', () => pool.status().spares.loaded === 1);
  let readyAt = 0;
  pool.on('ready', () => {
    readyAt = performance.now();
  });
  one.kill('SIGKILL');
  await until('it to be ready', () => ready.length === 2);
  await standbyOf(one, standby);
  // What the process that took the place has to do is not done beside one that boots.
  expect(performance.now() - readyAt).toBeGreaterThan(190);
});

test('one that is killed is replaced, and its member goes on', async () => {
  const { pool, exits } = watch([waits('a')], { spares: 0 });
  await pool.start();
  const [one] = pool.members as [Member];
  const { pid } = one;
  const standby = await standbyOf(one);
  process.kill(standby, 'SIGKILL');
  await standbyOf(one, standby);
  expect(one.pid).toBe(pid);
  expect(exits).toEqual([]);
});

test('a reload replaces standbys, which have loaded what was there before', async () => {
  const { pool } = watch([waits('a')], { spares: 0 });
  await pool.start();
  const [one] = pool.members as [Member];
  const standby = await standbyOf(one);
  await pool.reload();
  expect(one.pid).not.toBe(standby);
  await standbyOf(one, standby);
  await until('the end of the one before', () => !isRunning(standby));
});

test('a stop ends standbys, also one that still loads, and resolves when they have ended', async () => {
  const { pool } = watch([waits('a'), waits('b')], { spares: 0 });
  await pool.start();
  const pids = await Promise.all(pool.members.map((each) => standbyOf(each)));
  await pool.stop();
  expect(pids.filter(isRunning)).toEqual([]);
});

test('standbys that fail are given up, and the member goes on without', async () => {
  const ends: (number | undefined)[] = [];
  const { pool } = watch(
    [waits('a', { data: { fails: true } })],
    { spares: 0 },
    {
      onSpareExit: (_exit, delay) => ends.push(delay),
    },
  );
  await pool.start();
  await until('no more to be started', () => ends.length > 0 && ends.at(-1) === undefined);
  expect(pool.members[0]?.isUp).toBe(true);
  expect(pool.members[0]?.standbyPid).toBeUndefined();
});

test('a member whose name has one owner at a time has no standby', () => {
  expect(() => watch([waits('a', { exclusive: true })])).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_POOL_ARGUMENT' }),
  );
});
