import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Mutex, ReadWriteLock, Segment, Semaphore } from '@millrace/shared-memory';
import { OwnerRegistry } from '@millrace/shared-memory/internal';
import { until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { freshNames } from '../segment/names.js';
import { kindNames, kinds } from './kinds.js';

const PROGRAM = new URL('../../dist-test/lock/fixtures/lock-user.js', import.meta.url);
const code = (value: string) => expect.objectContaining({ code: value });

/** A process that has the lock, until it is killed. */
async function holder(kind: string, descriptor: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM.pathname, 'hold', kind, '3'], {
    stdio: ['ignore', 'pipe', 'inherit', descriptor],
  });
  if (child.stdout === null) throw new Error('A child has no output.');
  await within('the child to hold it', once(child.stdout, 'data'));
  return child;
}

test('G15 a held mutex is not had within 0.2 s, which is told after it, and at once where nobody waits', async () => {
  using mutex = Mutex.anonymous();
  const child = await holder('mutex', mutex.segment.descriptor);
  const start = performance.now();
  expect(mutex.lock({ timeout: 200 })).toBeUndefined();
  expect(performance.now() - start).toBeGreaterThanOrEqual(200);
  const later = performance.now();
  expect(await mutex.lockAsync({ timeout: 200 })).toBeUndefined();
  // Node's timers count whole milliseconds.
  expect(performance.now() - later).toBeGreaterThanOrEqual(199);
  expect(mutex.tryLock()).toBeUndefined();
  expect(mutex.lock({ timeout: 0 })).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'close');
});

describe.each(kindNames)('%s', (kind) => {
  test('one at a time: what processes and threads count under it is right', async () => {
    using lock = kinds[kind].make();
    using counted = Segment.anonymous({ size: 16 });
    const each = kind === 'spin lock' ? 1_000 : 3_000;
    const args = ['count', kind, '3', String(each)];
    const children = [1, 2].map(() =>
      spawn(process.execPath, [PROGRAM.pathname, ...args], {
        stdio: ['ignore', 'ignore', 'inherit', lock.descriptor, counted.descriptor],
      }),
    );
    const ended = await within(
      'their end',
      Promise.all(children.map((child) => once(child, 'close'))),
      60_000,
    );
    expect(ended.map(([exit]) => exit)).toEqual([0, 0]);
    const counters = new Float64Array(counted.buffer, counted.byteOffset, 2);
    expect([...counters]).toEqual([2 * each, 2 * each]);
  });

  test('its guard gives it back once, and at the end of a block', () => {
    using lock = kinds[kind].make();
    {
      using guard = lock.lock();
      expect(guard?.ownerDied).toBe(false);
      expect(lock.tryLock()).toBeUndefined();
    }
    const guard = lock.tryLock();
    guard?.unlock();
    const next = lock.tryLock();
    guard?.unlock();
    guard?.[Symbol.dispose]();
    expect(lock.tryLock()).toBeUndefined();
    next?.unlock();
  });

  test('promises of one thread have it one after another, in their order', async () => {
    using lock = kinds[kind].make();
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3, 4].map(async (i) => {
        const guard = await lock.lockAsync();
        order.push(i);
        await new Promise(setImmediate);
        order.push(i);
        guard?.unlock();
      }),
    );
    expect(order).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test('who gives up waiting, by time or by signal, leaves the others their turn', async () => {
    using lock = kinds[kind].make();
    const guard = lock.lock();
    const stop = new AbortController();
    const aborted = lock.lockAsync({ signal: stop.signal });
    const late = lock.lockAsync({ timeout: 20 });
    const patient = lock.lockAsync();
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect(await late).toBeUndefined();
    await expect(lock.lockAsync({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
    guard?.unlock();
    (await within('the patient one', patient))?.unlock();
    lock.tryLock()?.unlock();
    expect(lock.tryLock()).toBeDefined();
  });

  test('waits as long as it is told, be that 0, a month or for ever, and refuses what is no time', async () => {
    using lock = kinds[kind].make();
    for (const timeout of [Number.NaN, -1, '5' as unknown as number]) {
      const refused = { code: 'ERR_MILLRACE_TIMEOUT_VALUE' };
      // A lock that is free makes no difference.
      expect(() => lock.lock({ timeout })).toThrow(expect.objectContaining(refused));
      await expect(lock.lockAsync({ timeout })).rejects.toMatchObject(refused);
    }
    const guard = lock.lock();
    expect(await lock.lockAsync({ timeout: 0 })).toBeUndefined();
    const waiting = [30 * 86_400_000, Number.POSITIVE_INFINITY].map((timeout) => lock.lockAsync({ timeout }));
    expect(await lock.lockAsync({ timeout: 0 })).toBeUndefined();
    guard?.unlock();
    for (const granted of waiting) (await within('the lock', granted))?.unlock();
    (await lock.lockAsync({ timeout: 0 }))?.unlock();
    expect(lock.tryLock()).toBeDefined();
  });

  test('a blocked thread is woken by who unlocks in another, and the other way round', async () => {
    using lock = kinds[kind].make();
    const guard = lock.lock();
    const thread = new Worker(PROGRAM, { argv: ['wait', kind, String(lock.descriptor)] });
    await within('the thread to wait', once(thread, 'message'));
    // It must not have got it: its next message comes after the unlocking only.
    const done = once(thread, 'message');
    const ended = once(thread, 'exit');
    guard?.unlock();
    expect(await within('the thread to be done', done)).toEqual(['done']);
    await within('the end of the thread', ended);
  });

  test('closing rejects who waits, and every use after it', async () => {
    const lock = kinds[kind].make();
    const guard = lock.lock();
    const waiting = lock.lockAsync();
    lock.close();
    await expect(waiting).rejects.toThrow(code('ERR_MILLRACE_CLOSED'));
    expect(() => lock.lock()).toThrow(code('ERR_MILLRACE_CLOSED'));
    expect(() => lock.tryLock()).toThrow(code('ERR_MILLRACE_CLOSED'));
    await expect(lock.lockAsync()).rejects.toThrow(code('ERR_MILLRACE_CLOSED'));
    expect(() => guard?.unlock()).toThrow(code('ERR_MILLRACE_CLOSED'));
  });

  test('who closes it while holding it leaves it to the next one, who is told', () => {
    using lock = kinds[kind].make();
    const other = kinds[kind].over(lock.descriptor);
    other.lock();
    expect(lock.tryLock()).toBeUndefined();
    other.close();
    expect(lock.lock({ timeout: 10_000 })?.ownerDied).toBe(true);
  });
});

test('locking again what this thread has is an error, and so is unlocking what it has not', () => {
  using mutex = Mutex.anonymous();
  expect(() => mutex.unlock()).toThrow(code('ERR_MILLRACE_LOCK_NOT_HELD'));
  mutex.lock();
  expect(() => mutex.lock()).toThrow(code('ERR_MILLRACE_LOCK_HELD'));
  expect(() => mutex.lock({ timeout: 5 })).toThrow(code('ERR_MILLRACE_LOCK_HELD'));
  mutex.unlock();
  expect(() => mutex.unlock()).toThrow(code('ERR_MILLRACE_LOCK_NOT_HELD'));
  expect(mutex.locked).toBe(false);
});

test('unlocking what another process has is an error, and leaves it locked', async () => {
  using mutex = Mutex.anonymous();
  const child = await holder('mutex', mutex.segment.descriptor);
  expect(() => mutex.unlock()).toThrow(code('ERR_MILLRACE_LOCK_NOT_HELD'));
  expect(mutex.locked).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'close');
});

describe('a read-write lock', () => {
  test('has many readers or one writer', () => {
    using lock = ReadWriteLock.anonymous();
    using other = ReadWriteLock.fromDescriptor(lock.segment.descriptor);
    const first = lock.lockShared();
    const second = other.lockShared();
    expect(lock.tryLock()).toBeUndefined();
    first.unlock();
    expect(lock.tryLock()).toBeUndefined();
    second.unlock();
    const writer = lock.lock();
    expect(lock.tryLockShared()).toBeUndefined();
    expect(other.tryLock()).toBeUndefined();
    writer.unlock();
    expect(() => lock.unlock()).toThrow(code('ERR_MILLRACE_LOCK_NOT_HELD'));
    expect(() => lock.unlockShared()).toThrow(code('ERR_MILLRACE_LOCK_NOT_HELD'));
  });

  test('refuses what would wait for itself, and the asynchronous form waits', async () => {
    using lock = ReadWriteLock.anonymous();
    const reader = lock.lockShared();
    expect(() => lock.lock()).toThrow(code('ERR_MILLRACE_LOCK_HELD'));
    const writing = lock.lockAsync();
    reader.unlock();
    const writer = await within('the writer', writing);
    expect(() => lock.lockShared()).toThrow(code('ERR_MILLRACE_LOCK_HELD'));
    expect(() => lock.lock()).toThrow(code('ERR_MILLRACE_LOCK_HELD'));
    const reading = lock.lockSharedAsync();
    writer.unlock();
    (await within('the reader', reading)).unlock();
  });

  test('a waiting writer keeps new readers of other processes out, until it is done or gives up', async () => {
    using lock = ReadWriteLock.anonymous();
    const child = await holder('reader', lock.segment.descriptor);
    const writing = lock.lockAsync();
    await until('the writer to wait', () => {
      const reader = lock.tryLockShared();
      reader?.unlock();
      return reader === undefined;
    });
    const late = lock.lockAsync({ timeout: 20 });
    expect(await late).toBeUndefined();
    child.kill('SIGKILL');
    // The reader is dead, and its read with it.
    const guard = await within('the writer', writing);
    expect(guard.ownerDied).toBe(false);
    guard.unlock();
  });
});

describe('a semaphore', () => {
  test('has as many permits as it was made for', async () => {
    using semaphore = Semaphore.anonymous(3);
    using other = Semaphore.fromDescriptor(semaphore.segment.descriptor);
    expect(other.permits).toBe(3);
    const guards = [semaphore.acquire(), other.acquire(), semaphore.tryAcquire()];
    expect(semaphore.available).toBe(0);
    expect(other.tryAcquire()).toBeUndefined();
    const waiting = other.acquireAsync();
    guards[0]?.unlock();
    (await within('the fourth', waiting)).unlock();
    guards[1]?.unlock();
    guards[2]?.unlock();
    expect(semaphore.available).toBe(3);
  });

  test('of another number of permits is another one', () => {
    const { posix } = freshNames();
    using semaphore = Semaphore.openOrCreate(posix, 3);
    for (const permits of [4, 40])
      expect(() => Semaphore.openOrCreate(posix, permits)).toThrow(code('ERR_MILLRACE_SEMAPHORE_PERMITS'));
    expect(Semaphore.open(posix).permits).toBe(3);
    for (const permits of [0, -1, 1.5, 4097]) {
      expect(() => Semaphore.anonymous(permits)).toThrow(code('ERR_MILLRACE_SEMAPHORE_PERMITS'));
    }
    semaphore.unlink();
  });
});

test('locks and atomics lie side by side in a segment of the user', () => {
  using segment = Segment.anonymous({ size: 8192, owners: 16 });
  const mutex = new Mutex(segment, 0);
  const lock = new ReadWriteLock(segment, 64);
  const semaphore = new Semaphore(segment, 64 + ReadWriteLock.bytes(16), 2);
  mutex.lock();
  lock.lock();
  semaphore.acquire();
  expect(new Mutex(segment, 0).tryLock()).toBeUndefined();
  mutex.close();
  expect(segment.closed).toBe(false);
  expect(new Mutex(segment, 0).tryLock()?.ownerDied).toBe(true);
  expect(() => new Mutex(Segment.anonymous({ size: 64 }))).toThrow(code('ERR_MILLRACE_OWNERS_COUNT'));
  segment.close();
  expect(() => lock.unlock()).toThrow(code('ERR_MILLRACE_CLOSED'));
});

test('unrelated processes find a lock by its name', () => {
  const { posix, systemV } = freshNames();
  for (const name of [posix, systemV]) {
    using mutex = Mutex.openOrCreate(name);
    using same = Mutex.open(name);
    mutex.lock();
    expect(same.tryLock()).toBeUndefined();
    mutex.unlock();
    expect(same.tryLock()).toBeDefined();
    expect(() => ReadWriteLock.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_MISMATCH'));
    expect(mutex.unlink()).toBe(true);
  }
});

test('a token that a lock is left under is never one that is given', () => {
  const memory = new ArrayBuffer(OwnerRegistry.bytes(4));
  expect(new OwnerRegistry(memory, 0, 4).isAlive(1)).toBe(false);
});
