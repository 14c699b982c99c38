import { descendants, isRunning, until } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import { AheadProcesses } from '../../src/launch/ahead.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();
afterEach(() => {
  delete process.env.CHANGED;
});

const launch = { entry: fixture('child') };
const title = 'pool-test: ahead';
/** Pids of the processes below this one that `ps` shows by that title. */
const waiting = (below = process.pid) =>
  descendants(below).flatMap((info) => (info.title === title ? [info.pid] : []));

test('a member takes a process that was started ahead for it; those that none has taken end when the pool is up', async () => {
  const ahead = new AheadProcesses(launch, { count: 3, title });
  const started = await until('three processes', () => (waiting().length === 3 ? waiting() : undefined));
  const { pool } = watch([member('orderly'), member('plain')], { ahead, spares: 0 });
  await pool.start();
  const pids = pool.members.map(({ pid }) => pid as number);
  expect(started).toEqual(expect.arrayContaining(pids));
  const [left] = started.filter((pid) => !pids.includes(pid)) as [number];
  await until('the third to end', () => !isRunning(left));
});

test('none is taken when the environment has changed since, nor by a member of another module', async () => {
  const ahead = new AheadProcesses(launch, { count: 2, title });
  const started = await until('two processes', () => (waiting().length === 2 ? waiting() : undefined));
  expect(ahead.take({ entry: fixture('worker') })).toBeUndefined();
  process.env.CHANGED = 'yes';
  const { pool } = watch([member('orderly')], { ahead });
  await pool.start();
  expect(started).not.toContain(pool.members[0]?.pid);
  await until('both to end', () => !started.some(isRunning));
});

test('what no pool has taken ends when it is closed, however often that is', async () => {
  const ahead = new AheadProcesses(launch, { count: 2, title });
  const started = await until('two processes', () => (waiting().length === 2 ? waiting() : undefined));
  await Promise.all([ahead.close(), ahead.close()]);
  expect(started.some(isRunning)).toBe(false);
  await ahead.close();
  expect(ahead.take(launch)).toBeUndefined();
});

test('one that has ended before it is taken is not missed: the member starts its own', async () => {
  const ahead = new AheadProcesses(launch, { count: 1, title });
  const [pid] = await until('a process', () => (waiting().length === 1 ? waiting() : undefined));
  process.kill(pid as number, 'SIGKILL');
  const { pool, exits } = watch([member('orderly')], { ahead });
  await until('its end to be heard of', () => ahead.take(launch) === undefined);
  await pool.start();
  expect(pool.members[0]?.pid).not.toBe(pid);
  expect(exits).toEqual([]);
});

test('a process that was started ahead starts processes of its own before it is assigned, which its members take', async () => {
  const order = { count: 2, title };
  const ahead = new AheadProcesses(
    { entry: fixture('starts-ahead') },
    { count: 1, title: 'pool-test: starts ahead', below: order },
  );
  const started = await until('two processes', () => (waiting().length === 2 ? waiting() : undefined));
  const { pool, messages } = watch([{ name: 'above', entry: fixture('starts-ahead') }], { ahead });
  await pool.start();
  expect(messages).toHaveLength(1);
  expect([...(messages[0] as number[])].sort()).toEqual([...started].sort());
});

test('what a process has started ahead ends with it, when no pool takes that', async () => {
  const below = { count: 2, title };
  const ahead = new AheadProcesses(
    { entry: fixture('starts-ahead') },
    { count: 1, title: 'pool-test: starts ahead', below },
  );
  const started = await until('two processes', () => (waiting().length === 2 ? waiting() : undefined));
  await ahead.close();
  await until('both to end', () => !started.some(isRunning));
});
