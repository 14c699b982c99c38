import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, openDescriptors, Program, processInfo, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member } from '../../src/index.js';
import { member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

test('start resolves when every member has said that it is ready, each under its title', async () => {
  const { pool, ready } = watch([member('orderly'), member('plain')]);
  await pool.start();
  expect(ready.sort()).toEqual(['orderly', 'plain']);
  for (const { pid, name, state } of pool.members) {
    expect(state).toBe('ready');
    expect(processInfo(pid as number)?.title).toBe(`pool-test: ${name}`);
  }
});

test('parent and child talk; the child knows its name and finds descriptors by theirs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-pool-'));
  const note = openSync(join(directory, 'note'), 'w');
  const { pool, messages } = watch([member('orderly', { descriptors: { note } })]);
  await pool.start();
  const [child] = pool.members as [Member];
  child.send('write');
  child.send('no descriptor');
  await until('two answers', () => messages.length === 2);
  expect(messages).toEqual([
    { echo: 'write', name: 'orderly', incarnation: 1, born: null },
    {
      code: 'ERR_MILLRACE_NO_DESCRIPTOR',
      message: "The parent has handed down no descriptor 'nothing'; there are: note.",
    },
  ]);
  expect(readFileSync(join(directory, 'note'), 'utf8')).toBe('written by orderly');
  rmSync(directory, { recursive: true });
});

test.each(['SIGKILL', 'SIGSEGV'] as const)(
  'a member killed by %s is replaced at once, and knows that it is the next',
  async (signal) => {
    const { pool, messages, exits, ready } = watch([member('orderly')]);
    await pool.start();
    const [child] = pool.members as [Member];
    const { pid } = child;
    child.kill(signal);
    await until('the replacement', () => ready.length === 2);
    expect(child.pid).not.toBe(pid);
    expect(exits).toMatchObject([
      { name: 'orderly', exit: { code: null, signal, wasReady: true }, delay: 0 },
    ]);
    child.send('hello');
    await until('an answer', () => messages.length === 1);
    expect(messages).toMatchObject([{ incarnation: 2 }]);
  },
);

test('an orderly end is no failure, and is replaced too', async () => {
  const { pool, exits, ready } = watch([member('orderly')]);
  await pool.start();
  pool.members[0]?.send('exit 0');
  await until('the replacement', () => ready.length === 2);
  expect(exits).toMatchObject([{ exit: { code: 0, signal: null }, delay: 0 }]);
});

test('what a member said before it died is still heard', async () => {
  const { pool, messages } = watch([member('orderly')]);
  await pool.start();
  for (let i = 0; i < 50; i++) pool.members[0]?.send(i);
  pool.members[0]?.send('exit 0');
  await until('every answer', () => messages.length === 50);
});

test('a member that never becomes ready is given up, and the start fails with the reason', async () => {
  const { pool, exits } = watch([member('die', { restart: { backOff: 1, giveUpAfter: 3 } })]);
  await expect(pool.start()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_POOL_START_FAILED',
    message: expect.stringContaining('code 7'),
  });
  expect(exits.map(({ delay }) => delay)).toEqual([0, 1, undefined]);
});

test('a member that ends before it is ready, and is never started again, lets the start fail', async () => {
  const { pool } = watch([member('orderly'), member('die', { restart: { when: 'never' } })]);
  await expect(pool.start()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_POOL_START_FAILED',
    message: expect.stringContaining('ended before it was ready, with code 7'),
  });
});

test('one that is killed while it starts has not failed: the next comes at once, until there have been too many', async () => {
  const { pool, exits, failures } = watch(
    [member('silent', { restart: { backOff: 1, giveUpAfter: 2 } })],
    {},
    { onSpawn: ({ pid }) => process.kill(pid as number, 'SIGKILL') },
  );
  await expect(pool.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_START_FAILED' });
  expect(exits.map(({ delay }) => delay)).toEqual([
    ...Array(10).fill(0),
    ...[1, 2, 4, 8, 16, 32, 64, 128, 256],
    undefined,
  ]);
  expect(failures.at(-1)).toMatchObject({ signal: 'SIGKILL', wasReady: false, restarts: 19 });
});

test('a module that does not exist is given up as well', async () => {
  const { pool } = watch([
    member('orderly', { entry: '/no/such/module.js', restart: { backOff: 1, giveUpAfter: 2 } }),
  ]);
  await expect(pool.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_START_FAILED' });
});

test('stop asks, waits, and resolves when all have ended', async () => {
  const { pool, messages, exits } = watch([member('orderly'), member('plain')]);
  await pool.start();
  await pool.stop({ mode: 'gently' });
  expect(messages).toEqual([{ stopping: 'gently' }]);
  expect(exits.map(({ exit }) => exit.code)).toEqual([0, 0]);
  expect(pool.members.map(({ state }) => state)).toEqual(['dead', 'dead']);
  await pool.stop();
});

test('a member that does not listen is killed when the time is over', async () => {
  const { pool, exits } = watch([member('deaf')]);
  await pool.start();
  await pool.stop({ timeout: 50 });
  expect(exits).toMatchObject([{ exit: { signal: 'SIGKILL' }, delay: undefined }]);
});

test('a stopped process cannot be kept from ending either', async () => {
  const { pool, exits } = watch([member('orderly')]);
  await pool.start();
  pool.members[0]?.kill('SIGSTOP');
  await pool.stop({ timeout: 50 });
  expect(exits).toMatchObject([{ exit: { signal: 'SIGKILL' } }]);
});

test('many lives leave no descriptor open', async () => {
  const { pool, ready } = watch([member('orderly')]);
  await pool.start();
  const before = openDescriptors('self');
  for (let life = 2; life <= 6; life++) {
    pool.members[0]?.kill('SIGKILL');
    await until(`life ${life}`, () => ready.length === life);
  }
  expect(openDescriptors('self')).toBe(before);
});

test.each(['orderly', 'deaf'])('members (%s) do not outlive a parent that is killed', async (behave) => {
  const parent = new Program(new URL('../../dist-test/fixtures/parent.js', import.meta.url), {
    args: [behave],
  });
  const [, first, second] = await parent.printed(/^pids (\d+) (\d+)/m);
  parent.kill('SIGKILL');
  const pids = [Number(first), Number(second)];
  await until('the members to be gone', () => !pids.some(isRunning), { deadlineMs: 1_000 });
  await parent[Symbol.asyncDispose]();
});

test('a process that cannot even be started is a failure of its member, with the reason, and no error of the pool', async () => {
  const descriptors = { none: 1_000_000 };
  const { pool, exits } = watch([
    member('orderly', { descriptors, restart: { backOff: 1, giveUpAfter: 2 } }),
  ]);
  const before = openDescriptors('self');
  await expect(pool.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_START_FAILED' });
  expect(exits).toMatchObject([
    { exit: { error: expect.any(Error) } },
    { exit: { error: expect.any(Error) } },
  ]);
  expect(openDescriptors('self')).toBeLessThanOrEqual(before);
});

test.each([30 * 86_400_000, Number.POSITIVE_INFINITY])('a stop may take %d ms', async (timeout) => {
  const { pool, exits } = watch([member('orderly')]);
  await pool.start({ timeout });
  pool.members[0]?.kill('SIGSTOP');
  const stopped = pool.stop({ timeout });
  // Node fires what does not fit its timers after 1 ms: before this one, which is younger and longer.
  await new Promise((resolve) => setTimeout(resolve, 2));
  pool.members[0]?.kill('SIGCONT');
  await stopped;
  expect(exits).toMatchObject([{ exit: { code: 0, signal: null } }]);
});

test.each(['startTimeout', 'drainTimeout'])('what is no time is refused as %s of a member', (name) => {
  for (const ms of [Number.NaN, -1, '5'])
    expect(() => watch([member('orderly', { [name]: ms })])).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMEOUT_VALUE', argument: name, value: ms }),
    );
});

test.each(['backOff', 'maxBackOff', 'stableAfter', 'window'])('what is no time is refused as %s', (name) => {
  for (const ms of [Number.NaN, -1, '5'])
    expect(() => watch([member('orderly', { restart: { [name]: ms } })])).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMEOUT_VALUE', argument: name, value: ms }),
    );
});

test('what is no time is refused by start and stop, which then do nothing', async () => {
  const { pool, exits } = watch([member('orderly')]);
  for (const timeout of [Number.NaN, -1, '5' as unknown as number]) {
    await expect(pool.start({ timeout })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT_VALUE' });
    expect(pool.members[0]?.state).toBe('dead');
  }
  await pool.start();
  await expect(pool.stop({ timeout: Number.NaN })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TIMEOUT_VALUE',
  });
  expect(exits).toEqual([]);
});

test('misspelt options of a pool, a member, its restart and the events are refused with the nearest name', () => {
  const refused = (near: string) =>
    expect.objectContaining({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      message: expect.stringContaining(`did you mean '${near}'?`),
    });
  expect(() => watch([member('orderly')], { spare: 1 } as object)).toThrow(refused('spares'));
  expect(() => watch([member('orderly', { maxMemry: 1 } as object)])).toThrow(refused('maxMemory'));
  expect(() => watch([member('orderly', { restart: { backoff: 1 } as object })])).toThrow(refused('backOff'));
  expect(() => watch([member('orderly')], {}, { onexit: () => {} } as object)).toThrow(refused('onExit'));
});
