import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, isRunning, until } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import type { Member, MemberSpec } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, type Watched, watch } from '../support.js';

stopPoolsAfterEach();
const directory = mkdtempSync(join(tmpdir(), 'millrace-reload-'));
const file = join(directory, 'version');
afterAll(() => rmSync(directory, { recursive: true }));
const release = (version: string) => writeFileSync(file, version);

const versioned = (count: number, more: Partial<MemberSpec> = {}) =>
  Array.from({ length: count }, (_, i) =>
    member(`m${i}`, { entry: fixture('versioned'), data: { file }, restart: { backOff: 1 }, ...more }),
  );

/** The versions that run now, by asking them. */
async function versions({ pool, messages }: Watched): Promise<string[]> {
  messages.length = 0;
  for (const one of pool.members) one.send('which?');
  const answers = () => messages.filter((message) => 'pid' in (message as object));
  await until('an answer of each', () => answers().length === pool.members.length);
  return (answers() as { version: string }[]).map(({ version }) => version).sort();
}

test('one by one: each new process is ready before the one before is told to go, which ends before the reload does', async () => {
  release('v1');
  const watched = watch(versioned(3));
  const { pool, log, messages } = watched;
  await pool.start();
  const before = pool.members.map(({ pid }) => pid as number);
  release('v2');
  log.length = 0;
  expect(await pool.reload()).toEqual({ outcome: 'reloaded', replaced: 3 });
  expect(before.map(isRunning)).toEqual([false, false, false]);
  expect(messages.filter((message) => 'going' in (message as object))).toEqual(
    [0, 1, 2].map((i) => ({ name: `m${i}`, going: 'drain', version: 'v1' })),
  );
  // The ends come when they come, the beginnings one after the other.
  expect(log.filter((line) => /reload|ready/.test(line))).toEqual([
    'before reload',
    'ready m0',
    'ready m1',
    'ready m2',
    'after reload: reloaded',
  ]);
  for (const i of [0, 1, 2]) expect(log.indexOf(`exit m${i}`)).toBeGreaterThan(log.indexOf(`ready m${i}`));
  expect(await versions(watched)).toEqual(['v2', 'v2', 'v2']);
});

test('all at once: every member has a new process, and no member was without one', async () => {
  release('v1');
  const watched = watch(versioned(3));
  await watched.pool.start();
  release('v2');
  expect(await watched.pool.reload({ allAtOnce: true })).toEqual({ outcome: 'reloaded', replaced: 3 });
  expect(await versions(watched)).toEqual(['v2', 'v2', 'v2']);
  expect(watched.exits.every(({ exit, delay }) => exit.replaced && delay === undefined)).toBe(true);
});

test.each([{ allAtOnce: false }, { allAtOnce: true }])(
  'a version that throws at its start keeps those that run, and says so (%o)',
  async (how) => {
    release('v1');
    const watched = watch(versioned(2));
    const { pool } = watched;
    await pool.start();
    const before = pool.members.map(({ pid }) => pid);
    release('v2 broken');
    const result = await pool.reload(how);
    expect(result).toMatchObject({ outcome: 'failed', replaced: 0, exit: { code: 1, wasReady: false } });
    expect('advice' in result && result.advice).toContain('mend');
    expect(pool.members.map(({ pid }) => pid)).toEqual(before);
    expect(await versions(watched)).toEqual(['v1', 'v1']);
    // Mended, it comes up.
    release('v3');
    expect(await pool.reload(how)).toEqual({ outcome: 'reloaded', replaced: 2 });
    expect(await versions(watched)).toEqual(['v3', 'v3']);
  },
);

test('a version that never becomes ready is killed after startTimeout, and keeps those that run', async () => {
  release('v1');
  const watched = watch(versioned(2, { startTimeout: 3_000 }));
  await watched.pool.start();
  release('v2 hanging');
  const result = await watched.pool.reload();
  expect(result).toMatchObject({ outcome: 'failed', exit: { signal: 'SIGKILL', error: expect.any(Error) } });
  expect('advice' in result && result.advice).toContain('startTimeout');
  expect(await versions(watched)).toEqual(['v1', 'v1']);
});

test('a version that does not become ready is given up when another reload is asked for, and that one runs', async () => {
  release('v1');
  const watched = watch(versioned(2));
  const { pool, messages } = watched;
  await pool.start();
  release('v2 hanging');
  const first = pool.reload();
  await until('a process that hangs', () => messages.some((message) => 'hanging' in (message as object)));
  release('v3');
  const second = pool.reload();
  const result = await first;
  expect(result).toMatchObject({ outcome: 'failed', replaced: 0, exit: { signal: 'SIGKILL' } });
  expect('advice' in result && result.advice).toMatch(/m0 was not ready within \d+ ms, and another reload/);
  expect(await second).toEqual({ outcome: 'reloaded', replaced: 2 });
  expect(await versions(watched)).toEqual(['v3', 'v3']);
});

test('so is one of an exclusive member, whose place the version of then has', async () => {
  release('v1');
  const watched = watch(versioned(1, { exclusive: true }));
  const { pool, messages } = watched;
  await pool.start();
  release('v2 hanging');
  const first = pool.reload();
  await until('a process that hangs', () => messages.some((message) => 'hanging' in (message as object)));
  release('v3');
  const second = pool.reload();
  expect(await first).toMatchObject({ outcome: 'failed', exit: { signal: 'SIGKILL' } });
  expect(await second).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(await versions(watched)).toEqual(['v3']);
});

test('one reload runs at a time; all that are asked for meanwhile are one more, which runs what is there by then', async () => {
  release('v1');
  const watched = watch(versioned(2));
  const { pool, log } = watched;
  await pool.start();
  release('v2');
  const first = pool.reload();
  expect(pool.reloading).toBe(true);
  release('v3');
  const later = [pool.reload(), pool.reload({ members: pool.members.slice(0, 1) }), pool.reload()];
  expect(await first).toEqual({ outcome: 'reloaded', replaced: 2 });
  for (const result of await Promise.all(later)) expect(result).toEqual({ outcome: 'reloaded', replaced: 2 });
  expect(pool.reloading).toBe(false);
  expect(log.filter((line) => line === 'before reload')).toHaveLength(2);
  expect(await versions(watched)).toEqual(['v3', 'v3']);
});

test('a reload that is asked for while the pool starts runs when it has started', async () => {
  release('v1');
  const watched = watch(versioned(1));
  const started = watched.pool.start();
  const reloaded = watched.pool.reload();
  release('v2');
  await started;
  expect(await reloaded).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(await versions(watched)).toEqual(['v2']);
});

test('a reload that waits for another when the pool is stopped says that it has not been done', async () => {
  release('v1');
  const { pool } = watch(versioned(2));
  await pool.start();
  const first = pool.reload();
  const second = pool.reload();
  await pool.stop();
  expect(await second).toEqual({ outcome: 'stopped', replaced: 0 });
  expect(await first).toMatchObject({ outcome: 'stopped' });
  expect(await pool.reload()).toEqual({ outcome: 'stopped', replaced: 0 });
});

test('a member that is being replaced already is replaced once more by a reload', async () => {
  release('v1');
  const watched = watch(versioned(1));
  const [member] = watched.pool.members;
  await watched.pool.start();
  const before = member?.replace('drain');
  release('v2');
  expect(await watched.pool.reload()).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(await before).toEqual({ outcome: 'replaced' });
  expect(await versions(watched)).toEqual(['v2']);
});

test('a new process that a signal to the group kills while it boots is followed by another, and the reload goes on', async () => {
  release('v1');
  const watched = watch(versioned(1));
  await watched.pool.start();
  const before = new Set(descendants(process.pid).map(({ pid }) => pid));
  release('v2');
  const reloaded = watched.pool.reload();
  const booting = await until('a process that boots', () =>
    descendants(process.pid).find(({ pid }) => !before.has(pid)),
  );
  process.kill(booting.pid, 'SIGHUP');
  expect(await reloaded).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(await versions(watched)).toEqual(['v2']);
});

test('a process that does not go when told is killed at its deadline, and the reload ends', async () => {
  release('v1 clinging');
  const { pool, exits } = watch(versioned(1, { drainTimeout: 50 }));
  await pool.start();
  release('v2');
  expect(await pool.reload()).toEqual({ outcome: 'reloaded', replaced: 1 });
  expect(exits).toMatchObject([{ exit: { signal: 'SIGKILL', replaced: true, error: expect.any(Error) } }]);
});

test('a process that dies while another is on its way to its place has it taken by that one', async () => {
  release('v1');
  const { pool, exits, ready } = watch(versioned(1));
  await pool.start();
  const [m0] = pool.members as [Member];
  const reload = pool.reload();
  m0.kill('SIGKILL');
  expect(await reload).toMatchObject({ outcome: 'reloaded' });
  expect(exits).toMatchObject([{ exit: { signal: 'SIGKILL' }, delay: 0 }]);
  expect(ready).toEqual(['m0', 'm0']);
  expect(m0.incarnation).toBe(2);
});

test('an exclusive member never has two processes at work: the new one, loaded, waits for the end of the other', async () => {
  release('v1');
  const watched = watch(versioned(2, { exclusive: true }));
  const { pool, log } = watched;
  await pool.start();
  release('v2');
  log.length = 0;
  expect(await pool.reload()).toEqual({ outcome: 'reloaded', replaced: 2 });
  expect(log.filter((line) => line.endsWith('m0'))).toEqual(['exit m0', 'stop m0', 'spawn m0', 'ready m0']);
  expect(await versions(watched)).toEqual(['v2', 'v2']);
});

test('of an exclusive member, a module that cannot even be loaded keeps the process that runs', async () => {
  release('v1');
  const entry = join(directory, 'entry.mjs');
  writeFileSync(entry, `import ${JSON.stringify(fixture('versioned'))};`);
  const watched = watch(versioned(1, { exclusive: true, entry }));
  await watched.pool.start();
  writeFileSync(entry, 'this is no module');
  expect(await watched.pool.reload()).toMatchObject({ outcome: 'failed', replaced: 0 });
  expect(await versions(watched)).toEqual(['v1']);
});

test('spares that have loaded what was there before are not used after a reload', async () => {
  release('v1');
  const watched = watch(versioned(2));
  const { pool } = watched;
  await pool.start();
  await until('a spare', () => pool.status().spares.loaded === 1);
  const [old] = pool.status().spares.pids as [number];
  await pool.reload();
  await until('another spare', () => pool.status().spares.loaded === 1);
  expect(pool.status().spares.pids).not.toContain(old);
  await until('the spare to be gone', () => !isRunning(old));
});

test('a member that was given up, or waits for its next try, gets one from a reload', async () => {
  release('v1');
  const watched = watch(versioned(2, { restart: { giveUpAfter: 1, maxFailures: 1 } }));
  const { pool } = watched;
  await pool.start();
  release('v2 broken');
  pool.members[0]?.send('exit 1');
  await until('the member to be given up', () => pool.members[0]?.state === 'given-up');
  release('v3');
  expect(await pool.reload()).toEqual({ outcome: 'reloaded', replaced: 2 });
  expect(await versions(watched)).toEqual(['v3', 'v3']);
});

test('a pool that is stopped in the middle of a reload stops, and so does the reload', async () => {
  release('v1');
  const { pool } = watch(versioned(3));
  await pool.start();
  const reload = pool.reload();
  await pool.stop();
  expect(await reload).toMatchObject({ outcome: 'stopped' });
  expect(pool.members.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead']);
});
