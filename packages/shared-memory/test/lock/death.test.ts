import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Mutex, ReadWriteLock } from '@millrace/shared-memory';
import { processInfo, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { freshNames, leftNames } from '../segment/names.js';
import { type Exclusive, kindNames, kinds, readers } from './kinds.js';

const PROGRAM = new URL('../../dist-test/lock/fixtures/lock-user.js', import.meta.url);
const STRESS = process.env.MILLRACE_STRESS === '1';
/** Of each kind; five kinds make 500. */
const KILLS = STRESS ? Number(process.env.MILLRACE_KILLS ?? 100) : 6;
const TIMEOUT_MS = STRESS ? 1_800_000 : 60_000;
const STOPPED_MS = STRESS ? 5_000 : 1_000;

async function start(action: string, kind: string, descriptor: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM.pathname, action, kind, '3'], {
    stdio: ['ignore', 'pipe', 'inherit', descriptor],
  });
  if (child.stdout === null) throw new Error('A child has no output.');
  await within(`a child to ${action}`, once(child.stdout, 'data'));
  return child;
}

/** Kills it; returns when the kernel has taken the signal to it, be it that it is a zombie yet. */
async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** The same numbers in every run: a linear congruential generator (Numerical Recipes). */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

/** Waits a random moment below `ms` without leaving the thread to anybody. */
function linger(ms: number): void {
  const end = performance.now() + random() * ms;
  while (performance.now() < end);
}

describe.each(kindNames)('%s', (kind) => {
  test('of an owner that is killed goes to the next one, who is told', async () => {
    using lock = kinds[kind].make();
    const first = await start('hold', kind, lock.descriptor);
    expect(lock.lock({ timeout: 20 })).toBeUndefined();
    await kill(first);
    const guard = lock.lock({ timeout: 20_000 });
    expect(guard?.ownerDied).toBe(true);
    guard?.unlock();
    expect(lock.lock()?.ownerDied).toBe(false);
  });

  test('of an owner that is killed goes to a promise and to a trial, too', async () => {
    using lock = kinds[kind].make();
    const first = await start('hold', kind, lock.descriptor);
    const waiting = lock.lockAsync();
    await kill(first);
    const guard = await within('the promise', waiting);
    expect(guard?.ownerDied).toBe(true);
    guard?.unlock();
    const second = await start('hold', kind, lock.descriptor);
    await kill(second);
    expect((await until('the trial', () => lock.tryLock()))?.ownerDied).toBe(true);
  });

  test('of an owner that is stopped is nobody else’s', async () => {
    using lock = kinds[kind].make();
    const owner = await start('hold', kind, lock.descriptor);
    owner.kill('SIGSTOP');
    await until('the owner to be stopped', () => processInfo(owner.pid as number)?.state === 'T');
    const later = lock.lockAsync({ timeout: STOPPED_MS });
    expect(lock.lock({ timeout: STOPPED_MS })).toBeUndefined();
    expect(await later).toBeUndefined();
    expect(lock.tryLock()).toBeUndefined();
    await kill(owner);
    expect(lock.lock({ timeout: 20_000 })?.ownerDied).toBe(true);
  });

  test('is never lost, whenever a process that locks and unlocks is killed', {
    timeout: TIMEOUT_MS,
  }, async () => {
    using lock = kinds[kind].make();
    const { slowest, told } = await killAgainAndAgain(kind, lock);
    // A bound that a loaded machine keeps, too; the figures are for who runs the full number.
    expect(slowest).toBeLessThan(20_000);
    if (STRESS)
      console.log(
        `${kind}: ${KILLS} kills, ${told} with it, the next one had it within ${slowest.toFixed(1)} ms`,
      );
  });
});

test('readers that are killed count no more, and keep no writer out', { timeout: TIMEOUT_MS }, async () => {
  using lock = ReadWriteLock.anonymous();
  const writer: Exclusive = kinds.writer.over(lock.segment.descriptor);
  const { slowest } = await killAgainAndAgain('reader', writer, lock.segment.descriptor);
  expect(slowest).toBeLessThan(20_000);
  if (STRESS) console.log(`reader: ${KILLS} kills, the next writer had it within ${slowest.toFixed(1)} ms`);
  writer.close();
});

test.each(['posix', 'systemV'] as const)(
  'a %s lock whose users were all killed is there for the next one',
  async (kind) => {
    const name = freshNames()[kind];
    const script = `import { Mutex } from '@millrace/shared-memory';
    Mutex.openOrCreate(${JSON.stringify(name)}).lock();
    console.log('holding');
    setInterval(() => {}, 60_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: new URL('.', import.meta.url),
    });
    await within('the child to hold it', once(child.stdout as Readable, 'data'));
    await kill(child);
    using mutex = Mutex.openOrCreate(name);
    expect(mutex.segment.created).toBe(false);
    expect(mutex.lock({ timeout: 20_000 })?.ownerDied).toBe(true);
    expect(mutex.unlink()).toBe(true);
    expect(leftNames()).toEqual([]);
  },
);

test('a dead writer is told to the reader that comes next, once', async () => {
  using lock = ReadWriteLock.anonymous();
  using reading = readers(lock.segment.descriptor);
  await kill(await start('hold', 'writer', lock.segment.descriptor));
  const guard = reading.lock({ timeout: 20_000 });
  expect(guard?.ownerDied).toBe(true);
  guard?.unlock();
  expect(reading.lock()?.ownerDied).toBe(false);
});

/**
 * Two processes lock and unlock, and are killed one after the other at a random moment. Then this one takes its turn:
 * how long that takes is the time to find the dead, since nobody else wants the lock.
 */
async function killAgainAndAgain(
  kind: string,
  lock: Exclusive,
  descriptor = lock.descriptor,
): Promise<{ slowest: number; told: number }> {
  let slowest = 0;
  let told = 0;
  for (let kills = 0; kills < KILLS; kills += 2) {
    const children = await Promise.all([1, 2].map(() => start('churn', kind, descriptor)));
    for (const child of children) {
      linger(3);
      await kill(child);
    }
    const before = performance.now();
    const guard =
      kills % 4 === 0 ? await lock.lockAsync({ timeout: 20_000 }) : lock.lock({ timeout: 20_000 });
    slowest = Math.max(slowest, performance.now() - before);
    if (guard === undefined) throw new Error(`The lock was lost after ${kills + 2} kills.`);
    if (guard.ownerDied) told++;
    guard.unlock();
    const again = lock.lock({ timeout: 20_000 });
    expect(again?.ownerDied).toBe(false);
    again?.unlock();
  }
  return { slowest, told };
}
