import { isRunning, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member } from '../../src/index.js';
import { processorTime } from '../../src/pool/status.js';
import { getAffinity } from '../../src/process.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

test('events come in this order: spawn of each, start, ready of each; then shutdown, before any member is told; then the ends', async () => {
  const { pool, log } = watch([member('orderly')]);
  await pool.start();
  expect(log).toEqual(['spawn orderly', 'start', 'ready orderly']);
  expect(pool.running).toBe(true);
  const stopped = pool.stop();
  expect(pool.running).toBe(false);
  expect(log.slice(3)).toEqual(['shutdown']);
  await stopped;
  expect(log.slice(3)).toEqual(['shutdown', 'exit orderly', 'stop orderly']);
});

test('a pool that has been stopped can be started again', async () => {
  const { pool, ready } = watch([member('orderly'), member('plain')]);
  await pool.start();
  await pool.stop();
  await pool.start();
  expect(ready).toHaveLength(4);
  expect(pool.running).toBe(true);
});

test('a message to a member without a process is not accepted: undefined, where false would say slow down', async () => {
  const { pool, messages } = watch([member('orderly')]);
  const [one] = pool.members as [Member];
  expect([one.send('early'), one.sendAll('early')]).toEqual([undefined, undefined]);
  await pool.start();
  expect([one.send('one'), one.sendAll('two')]).toEqual([true, true]);
  await until('their answers', () => messages.length === 2);
  await pool.stop();
  expect([one.send('late'), one.sendAll('late')]).toEqual([undefined, undefined]);
});

test('a member that does not read is told false while messages are accepted for it, and undefined once none is', async () => {
  const { pool } = watch([member('orderly')]);
  await pool.start();
  const [one] = pool.members as [Member];
  one.kill('SIGSTOP');
  const body = Buffer.alloc(60_000);
  const answers: (boolean | undefined)[] = [];
  while (answers.at(-1) !== undefined || answers.length === 0) answers.push(one.send(body));
  expect([...new Set(answers)]).toEqual([true, false, undefined]);
  one.kill('SIGCONT');
  one.kill('SIGKILL');
});

test('status says state, pid, uptime, restarts, memory, processor time, and how often each end has come', async () => {
  const { pool, ready } = watch([member('orderly', { restart: { stableAfter: 1, backOff: 1 } })]);
  expect(pool.status().members).toEqual([
    {
      name: 'orderly',
      state: 'dead',
      drainingPids: [],
      restarts: 0,
      exits: {},
      pid: undefined,
      uptime: undefined,
    },
  ]);
  await pool.start();
  const [orderly] = pool.members as [Member];
  for (const [i, how] of ['exit 0', 'crash', 'exit 0'].entries()) {
    orderly.send(how);
    await until('the next', () => ready.length === i + 2);
  }
  orderly.kill('SIGKILL');
  await until('the last', () => ready.length === 5);
  await until('it to be stable', () => orderly.state === 'running');
  const [status] = pool.status().members;
  expect(status).toMatchObject({
    name: 'orderly',
    state: 'running',
    pid: orderly.pid,
    restarts: 4,
    exits: { 0: 2, 1: 1, SIGKILL: 1 },
  });
  expect(status?.uptime).toBeGreaterThan(0);
  expect(status?.memory).toBeGreaterThan(10_000_000);
  expect(status?.cpu).toBeGreaterThan(0);
});

test('an error outside of any handler is told as a failure with code, uptime, restarts and a line for the log', async () => {
  const { pool, failures } = watch([member('orderly')]);
  await pool.start();
  pool.members[0]?.send('crash');
  await until('the failure', () => failures.length === 1);
  expect(failures[0]).toMatchObject({ code: 1, signal: null, restarts: 0, delay: 0, wasReady: true });
  expect(failures[0]?.advice).toMatch(/^orderly ended with code 1 after \d+ ms; it is started again\.$/);
});

test('a process that asks to be the last is not started again', async () => {
  const { pool, exits } = watch([member('orderly')]);
  await pool.start();
  pool.members[0]?.send('last');
  pool.members[0]?.send('crash');
  await until('the end', () => exits.length === 1);
  expect(exits).toMatchObject([{ delay: undefined }]);
  expect(pool.members[0]?.state).toBe('dead');
});

test('a process that has done its jobs is replaced by one that is ready before it goes', async () => {
  const { pool, messages, log } = watch([member('orderly', { maxJobs: 3 })]);
  await pool.start();
  const { pid } = pool.members[0] as Member;
  log.length = 0;
  for (let i = 0; i < 3; i++) pool.members[0]?.send('job');
  await until('the replacement', () => log.includes('exit orderly'));
  expect(messages).toEqual([{ more: true }, { more: true }, { more: false }, { stopping: 'drain' }]);
  expect(log).toEqual(['spawn orderly', 'ready orderly', 'exit orderly', 'stop orderly']);
  expect(pool.members[0]?.pid).not.toBe(pid);
});

test('a process above its limit of memory is replaced', async () => {
  const { pool, ready, exits } = watch([member('orderly', { maxMemory: 400e6 })]);
  await pool.start();
  pool.members[0]?.send('grow');
  await until('the replacement', () => ready.length === 2 && exits.length === 1);
  expect(exits).toMatchObject([{ exit: { code: 0, replaced: true } }]);
});

test('a process that detaches has a replacement at once, works on, and ends when it is done', async () => {
  const { pool, ready, messages, exits } = watch([
    member('orderly', { name: 'lingering', data: { behave: 'lingering' }, drainTimeout: 60_000 }),
  ]);
  await pool.start();
  const [one] = pool.members as [Member];
  const { pid } = one;
  one.send('detach');
  await until('the replacement', () => ready.length === 2);
  expect(one.drainingPids).toEqual([pid]);
  await until('it to hear', () => messages.length === 1);
  expect(messages).toEqual([{ stopping: 'detach' }]);
  expect(isRunning(pid as number)).toBe(true);
  process.kill(pid as number, 'SIGUSR2');
  await until('the end', () => exits.length === 1);
  expect(exits).toMatchObject([{ exit: { pid, replaced: true }, delay: undefined }]);
  expect(one.incarnation).toBe(2);
});

test('a stop waits for processes that have detached, too, and kills them when the time is over', async () => {
  const { pool, ready } = watch([member('lingering', { drainTimeout: 60_000 })]);
  await pool.start();
  const { pid } = pool.members[0] as Member;
  pool.members[0]?.send('detach');
  await until('the replacement', () => ready.length === 2);
  await pool.stop({ timeout: 100 });
  expect(isRunning(pid as number)).toBe(false);
});

test('a process can end the whole pool', async () => {
  const { pool, log } = watch([member('orderly'), member('plain')]);
  await pool.start();
  pool.members[0]?.send('shutdown');
  await until('all to have ended', () => pool.members.every(({ settled }) => settled));
  expect(log).toContain('shutdown');
});

test('a pool grows and shrinks while it runs', async () => {
  const { pool, ready } = watch({ size: 2, member: (i) => member('orderly', { name: `m${i}` }) });
  await pool.start();
  await pool.scaleTo(4);
  expect(ready.sort()).toEqual(['m0', 'm1', 'm2', 'm3']);
  const pids = pool.members.map(({ pid }) => pid as number);
  await pool.scaleTo(1);
  expect(pool.members.map(({ name }) => name)).toEqual(['m0']);
  expect(pids.map(isRunning)).toEqual([true, false, false, false]);
  await expect(pool.scaleTo(-1)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_POOL_ARGUMENT',
    value: -1,
    message: expect.stringContaining('not -1'),
  });
  const [added] = await pool.add(member('plain'));
  expect(added?.state).toBe('ready');
  await expect(pool.add(member('plain'))).rejects.toMatchObject({ code: 'ERR_MILLRACE_DUPLICATE_NAME' });
  await pool.remove([added as Member]);
  expect(pool.members).toHaveLength(1);
});

test('nothing is added to a pool that is being stopped, which would be left behind', async () => {
  const { pool } = watch([member('orderly')]);
  await pool.start();
  const stopped = pool.stop();
  await expect(pool.add(member('plain'))).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_STOPPED' });
  await stopped;
  expect(pool.members.map(({ name }) => name)).toEqual(['orderly']);
});

test('only a pool that knows how its members are made can be scaled', async () => {
  const { pool } = watch([member('orderly')]);
  await expect(pool.scaleTo(2)).rejects.toMatchObject({ code: 'ERR_MILLRACE_NOT_ENABLED' });
});

test('a start can be waited for with a signal and for a time, and the pool be stopped after that', async () => {
  const { pool } = watch([member('silent')]);
  await expect(pool.start({ timeout: 20 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
  await pool.stop({ timeout: 1_000 });
  const stop = new AbortController();
  const started = pool.start({ signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(started).rejects.toThrow('enough');
});

test('priority and processors are set before anything of the module runs after inherit', async () => {
  const [processor] = getAffinity(0) as [number];
  const { pool, messages } = watch([member('orderly', { priority: 7, affinity: [processor] })]);
  await pool.start();
  pool.members[0]?.send('scheduling');
  await until('an answer', () => messages.length === 1);
  expect(messages).toEqual([{ priorities: [7], processors: [[processor]] }]);
});

test('processors that are not there are a failure of the member, with the reason', async () => {
  const { pool, failures } = watch([
    member('orderly', { affinity: [1_000], restart: { backOff: 1, giveUpAfter: 1 } }),
  ]);
  await expect(pool.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_START_FAILED' });
  expect(failures[0]?.error).toMatchObject({ code: 'ERR_MILLRACE_BAD_PROCESSOR' });
});

test('a member that ends in the orderly way again and again, at once, is waited for too', async () => {
  const { pool, exits } = watch([
    member('orderly', { entry: fixture('ends-at-once'), restart: { backOff: 20, maxBackOff: 40 } }),
  ]);
  await pool.start();
  await until('eight ends', () => exits.length === 8, { deadlineMs: 60_000 });
  expect(exits.map(({ delay }) => delay)).toEqual([0, 0, 0, 0, 0, 20, 40, 40]);
}, 90_000);

test('a module that keeps crashing is waited for longer and longer, given up as configured, and costs its parent nothing', async () => {
  const { pool, exits, failures, log } = watch(
    [
      member('orderly'),
      member('crash-looping', {
        entry: fixture('crash-looping'),
        restart: { backOff: 50, maxBackOff: 400, maxFailures: 7 },
      }),
    ],
    { spares: 0 },
  );
  const before = processorTime(process.pid) as number;
  await pool.start();
  await until('the member to be given up', () => pool.members[1]?.state === 'given-up');
  expect(exits.map(({ delay }) => delay)).toEqual([0, 50, 100, 200, 400, 400, undefined]);
  expect(log.filter((line) => line.startsWith('gave up'))).toEqual(['gave up crash-looping']);
  expect(failures[5]?.advice).toContain('keeps failing and is started again in 400 ms');
  expect(failures[6]?.advice).toMatch(/given up.*mend .*crash-looping\.js, then start or reload the pool/);
  const spent = (processorTime(process.pid) as number) - before;
  // A start costs the parent less than 1 % of the 10 s that it waits, by default, between two of them.
  expect(spent / exits.length).toBeLessThan(100);
  // Given up, it is started no more; by hand it is.
  pool.members[1]?.start();
  await until('the next', () => exits.length === 8);
});
