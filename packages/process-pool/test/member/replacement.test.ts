import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import type { Member, MemberSpec } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, type Watched, watch } from '../support.js';

stopPoolsAfterEach();
const directory = mkdtempSync(join(tmpdir(), 'millrace-successors-'));
const file = join(directory, 'version');
afterAll(() => rmSync(directory, { recursive: true }));
const release = (version: string) => writeFileSync(file, version);

/** A pool of one member, whose process has detached and lingers until it is told `exit 1`. */
async function detached(next: string, more: Partial<MemberSpec> = {}): Promise<Watched & { one: Member }> {
  release('v1 clinging');
  const spec = { entry: fixture('versioned'), data: { file }, drainTimeout: 60_000, ...more };
  const watched = watch([member('one', spec)]);
  const { pool, messages } = watched;
  await pool.start();
  const [one] = pool.members as [Member];
  release(next);
  one.send('detach');
  await until('it to be on its way out', () => messages.length === 1);
  expect(messages).toEqual([{ name: 'one', going: 'detach', version: 'v1' }]);
  return { ...watched, one };
}

test('a member whose processes have only ever been replaced in good order is not given up for the failures of the next', async () => {
  const restart = { backOff: 1, maxBackOff: 1, giveUpAfter: 2 };
  const { one, exits, ready, log } = await detached('v2 broken', { restart });
  await until('more failures than a new member has', () => exits.length >= 4);
  release('v3');
  await until('one that comes up', () => ready.length === 2);
  expect(one.isUp).toBe(true);
  expect(log).not.toContain('gave up one');
});

test('the same when the first has died while the next was on its way to its place', async () => {
  release('v1');
  const restart = { backOff: 1, maxBackOff: 1, giveUpAfter: 2 };
  const spec = { entry: fixture('versioned'), data: { file }, restart };
  const { pool, messages, exits, ready, log } = watch([member('one', spec)]);
  await pool.start();
  const [one] = pool.members as [Member];
  release('v2 hanging');
  const reload = pool.reload();
  const { hanging } = await until('the next', () => messages[0] as { hanging: number } | undefined);
  one.send('exit 1');
  await until('the end', () => exits.length === 1);
  release('v3 broken');
  process.kill(hanging, 'SIGKILL');
  expect(await reload).toMatchObject({ outcome: 'failed' });
  await until('more failures than a new member has', () => exits.length >= 5);
  release('v4');
  await until('one that comes up', () => ready.length === 2);
  expect(log).not.toContain('gave up one');
});

test('a new process that is killed from outside while nobody has the place any more is followed by another', async () => {
  const { pool, one, messages, exits, ready } = await detached('v2 broken', {
    restart: { backOff: 60_000, maxBackOff: 60_000 },
  });
  // The second is waited for, which the reload cuts short.
  await until('two failures', () => exits.length === 2);
  release('v3 hanging');
  const reload = pool.reload();
  const { hanging } = await until('the next', () => messages[1] as { hanging: number } | undefined);
  process.kill(one.drainingPids[0] as number, 'SIGKILL');
  await until('the end of the first', () => exits.length === 3);
  release('v4');
  process.kill(hanging, 'SIGKILL');
  expect(await reload).toEqual({ outcome: 'reloaded', replaced: 1 });
  await until('one that comes up', () => ready.length >= 2);
  expect(one.isUp).toBe(true);
  expect(exits[3]).toMatchObject({ exit: { pid: hanging, signal: 'SIGKILL' }, delay: 0 });
});

/** An entry that loads when `gate` is there, and then goes on as `then` says. */
const gated = (gate: string, then: string) =>
  `import { existsSync } from 'node:fs';
  while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 5));
  ${then}`;

test.each([
  ['loads', `await import(${JSON.stringify(fixture('versioned'))});`, 'reloaded'],
  ['cannot be loaded', `throw new Error('broken as asked');`, 'failed'],
])(
  'an exclusive member whose process ends while the next, which %s, is loading, has one again',
  async (how, then, outcome) => {
    const whole = `await import(${JSON.stringify(fixture('versioned'))});`;
    const entry = join(directory, `${how}.mjs`);
    const gate = join(directory, `${how}.gate`);
    const restart = { backOff: 1, maxBackOff: 1 };
    writeFileSync(entry, whole);
    const { pool, one, exits, ready } = await detached('v2', { exclusive: true, entry, restart });
    writeFileSync(entry, gated(gate, then));
    const reload = pool.reload();
    one.sendAll('exit 1');
    await until('the end', () => exits.length === 1);
    writeFileSync(gate, '');
    expect(await reload).toMatchObject({ outcome });
    writeFileSync(entry, whole);
    await until('one that comes up', () => ready.length === 2);
    expect(one.isUp).toBe(true);
  },
);
