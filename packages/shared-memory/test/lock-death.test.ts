import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LockGuard, ReadWriteLock } from '@millrace/shared-memory';
import { processInfo, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { type Exclusive, kindNames, kinds, readers } from './lock-kinds.js';

const PROGRAM = new URL('../dist-test/fixtures/lock-user.js', import.meta.url);
const STRESS = process.env.MILLRACE_STRESS === '1';
/** Of each kind; five kinds make 500. */
const KILLS = STRESS ? 100 : 5;
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

test('a dead writer is told to the reader that comes next, once', async () => {
  using lock = ReadWriteLock.anonymous();
  using reading = readers(lock.segment.descriptor);
  await kill(await start('hold', 'writer', lock.segment.descriptor));
  const guard = reading.lock({ timeout: 20_000 });
  expect(guard?.ownerDied).toBe(true);
  guard?.unlock();
  expect(reading.lock()?.ownerDied).toBe(false);
});

test('a writer that gives up after it has found a dead one leaves the news to the next', async () => {
  using lock = ReadWriteLock.anonymous();
  const { descriptor } = lock.segment;
  await kill(await start('hold', 'writer', descriptor));
  using other = ReadWriteLock.fromDescriptor(descriptor);
  const first = other.lockShared({ timeout: 20_000 });
  // Told to this reader; what it does about it is its affair.
  expect(first?.ownerDied).toBe(true);
  first?.unlock();
  expect(lock.lock()).toBeInstanceOf(LockGuard);
});

/** Two processes lock and unlock; one after another is killed and replaced, while this one takes its turns. */
async function killAgainAndAgain(
  kind: string,
  lock: Exclusive,
  descriptor = lock.descriptor,
): Promise<{ slowest: number; told: number }> {
  const children = await Promise.all([1, 2].map(() => start('churn', kind, descriptor)));
  let slowest = 0;
  let told = 0;
  for (let i = 0; i < KILLS; i++) {
    linger(3);
    await kill(children[i % 2] as ChildProcess);
    const before = performance.now();
    const guard = i % 3 === 0 ? await lock.lockAsync({ timeout: 20_000 }) : lock.lock({ timeout: 20_000 });
    slowest = Math.max(slowest, performance.now() - before);
    if (guard === undefined) throw new Error(`The lock was lost after ${i + 1} kills.`);
    if (guard.ownerDied) told++;
    guard.unlock();
    children[i % 2] = await start('churn', kind, descriptor);
  }
  for (const child of children) await kill(child);
  const guard = lock.lock({ timeout: 20_000 });
  expect(guard).toBeDefined();
  guard?.unlock();
  expect(lock.tryLock()?.ownerDied).toBe(false);
  return { slowest, told };
}
