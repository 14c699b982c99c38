import type { Poller } from '@millrace/channel';
import { expect, test } from 'vitest';
import {
  AtomicUint32,
  column,
  Gate,
  Mutex,
  ReadWriteLock,
  ringFromParent,
  Segment,
  Semaphore,
  SpinLock,
  spawnWithRing,
  threadWithRing,
} from '../src/index.js';
import { type Doorbell, DoorbellListener } from '../src/internal.js';
import { createRingLink, openRingEnd, type RingEnd } from '../src/ring.js';

const WRONG = { capcity: 1 } as object;
const NOWHERE = new URL('file:///nowhere/module.js');

test.each<[string, () => unknown]>([
  ['createRingLink()', () => createRingLink(WRONG)],
  ['openRingEnd()', () => openRingEnd({} as RingEnd, WRONG)],
  ['A DoorbellListener', () => new DoorbellListener({} as Doorbell, {} as Poller, WRONG)],
  ['ringFromParent()', () => ringFromParent(WRONG)],
  ['spawnWithRing()', () => spawnWithRing(NOWHERE, WRONG)],
  ['threadWithRing()', () => threadWithRing(NOWHERE, WRONG)],
])('%s refuses a misspelt option before it does anything', (name, call) => {
  expect(call).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      message: expect.stringContaining(`${name} has no option 'capcity'`),
    }),
  );
});

const NAME = `option-names-${process.pid}`;
const TYPO = { timout: 1 } as object;
const fresh = <T extends Disposable>(made: T, call: (made: T) => unknown) => {
  using it = made;
  return call(it);
};

test.each<[string, () => unknown]>([
  ['Mutex.lock', () => fresh(Mutex.anonymous(), (lock) => lock.lock(TYPO))],
  ['Mutex.lockAsync', () => fresh(Mutex.anonymous(), (lock) => lock.lockAsync(TYPO))],
  ['SpinLock.lock', () => fresh(SpinLock.anonymous(), (lock) => lock.lock(TYPO))],
  ['ReadWriteLock.lock', () => fresh(ReadWriteLock.anonymous(), (lock) => lock.lock(TYPO))],
  ['ReadWriteLock.lockShared', () => fresh(ReadWriteLock.anonymous(), (lock) => lock.lockShared(TYPO))],
  ['ReadWriteLock.lockSharedAsync', () => fresh(ReadWriteLock.anonymous(), (it) => it.lockSharedAsync(TYPO))],
  ['Semaphore.acquire', () => fresh(Semaphore.anonymous(1), (it) => it.acquire(TYPO))],
  ['Semaphore.acquireAsync', () => fresh(Semaphore.anonymous(1), (it) => it.acquireAsync(TYPO))],
  ['AtomicUint32.wait', () => fresh(AtomicUint32.anonymous(1), (it) => it.wait(TYPO))],
  ['AtomicUint32.waitAsync', () => fresh(AtomicUint32.anonymous(1), (it) => it.waitAsync(TYPO))],
  ['Gate.wait', () => fresh(Gate.anonymous(), (it) => it.wait(TYPO))],
  ['Gate.waitAsync', () => fresh(Gate.anonymous(), (it) => it.waitAsync(TYPO))],
  ['Mutex.create', () => Mutex.create(NAME, TYPO)],
  ['AtomicUint32.openOrCreate', () => AtomicUint32.openOrCreate(NAME, 0, TYPO)],
  ['Gate.open', () => Gate.open(NAME, TYPO)],
  ['Segment.unlink', () => Segment.unlink(NAME, TYPO)],
  ['Segment.fromDescriptor', () => Segment.fromDescriptor(-1, TYPO)],
  ['int64', () => column.int64(TYPO as { bigint: true })],
])('%s refuses a misspelt option', async (_name, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining("no option 'timout'"),
  });
  expect(Segment.list().some(({ name }) => name === NAME)).toBe(false);
});

test('a wait that blocks refuses a signal, of which it would hear nothing', () => {
  using lock = Mutex.anonymous();
  expect(() => lock.lock({ signal: AbortSignal.abort() } as object)).toThrow("no option 'signal'");
  expect(lock.tryLock()).toBeDefined();
});
