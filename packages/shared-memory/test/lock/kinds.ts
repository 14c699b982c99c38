import type { AsyncWaitOptions, WaitOptions } from '@millrace/shared-memory';
import { type LockGuard, Mutex, ReadWriteLock, Semaphore, SpinLock } from '@millrace/shared-memory';

/** Any lock as one that excludes: what the behaviours that all of them share are tested with. */
export interface Exclusive extends Disposable {
  lock(options?: WaitOptions): LockGuard | undefined;
  tryLock(): LockGuard | undefined;
  lockAsync(options?: AsyncWaitOptions): Promise<LockGuard | undefined>;
  close(): void;
  readonly descriptor: number;
}

const adapt = (lock: Mutex | SpinLock | ReadWriteLock): Exclusive => ({
  lock: (options = {}) => lock.lock(options),
  tryLock: () => lock.tryLock(),
  lockAsync: (options = {}) => lock.lockAsync(options),
  close: () => lock.close(),
  get descriptor() {
    return lock.segment.descriptor;
  },
  [Symbol.dispose]: () => lock.close(),
});

const adaptReaders = (lock: ReadWriteLock): Exclusive => ({
  lock: (options = {}) => lock.lockShared(options),
  tryLock: () => lock.tryLockShared(),
  lockAsync: (options = {}) => lock.lockSharedAsync(options),
  close: () => lock.close(),
  get descriptor() {
    return lock.segment.descriptor;
  },
  [Symbol.dispose]: () => lock.close(),
});

const adaptSemaphore = (lock: Semaphore): Exclusive => ({
  lock: (options = {}) => lock.acquire(options),
  tryLock: () => lock.tryAcquire(),
  lockAsync: (options = {}) => lock.acquireAsync(options),
  close: () => lock.close(),
  get descriptor() {
    return lock.segment.descriptor;
  },
  [Symbol.dispose]: () => lock.close(),
});

interface Kind {
  readonly make: () => Exclusive;
  readonly over: (fd: number) => Exclusive;
}

export const kinds = {
  mutex: { make: () => adapt(Mutex.anonymous()), over: (fd) => adapt(Mutex.fromDescriptor(fd)) },
  'spin lock': { make: () => adapt(SpinLock.anonymous()), over: (fd) => adapt(SpinLock.fromDescriptor(fd)) },
  writer: {
    make: () => adapt(ReadWriteLock.anonymous()),
    over: (fd) => adapt(ReadWriteLock.fromDescriptor(fd)),
  },
  semaphore: {
    make: () => adaptSemaphore(Semaphore.anonymous(1)),
    over: (fd) => adaptSemaphore(Semaphore.fromDescriptor(fd)),
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

/** Readers keep writers out: a reader that is killed must be given back. */
export function readers(fd: number): Exclusive {
  return adaptReaders(ReadWriteLock.fromDescriptor(fd));
}
