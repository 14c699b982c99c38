/**
 * One lock, in one process or two that want it at once: prints nanoseconds per pair of lock and unlock. The first
 * process starts the second, which gets the memory as a descriptor.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Mutex, ReadWriteLock, Segment, Semaphore, SpinLock } from '@millrace/shared-memory';

const NS_PER_MS = 1e6;
const OWNERS = 256;
const PAIRS = 2_000_000;
const CONTENDED_PAIRS = 300_000;
const WARM_UP = 200_000;
/** Where both say that they are there, and where the lock lies: bytes in the segment. */
const READY_BYTE = 0;
const LOCK_BYTE = 64;
const FD = 3;

const [name, processes, role] = process.argv.slice(2);
const alone = processes === '1';
const segment =
  role === 'second'
    ? Segment.fromDescriptor(FD)
    : Segment.anonymous({ size: LOCK_BYTE + 4096, owners: OWNERS });
const words = new Int32Array(segment.buffer, segment.byteOffset, (LOCK_BYTE + 64) / 4);

/** Runs so many pairs; its loop is in here so that each lock is measured in code of its own. */
function pairs(): (count: number) => void {
  switch (name) {
    case 'mutex':
    case 'spin lock': {
      const lock = name === 'mutex' ? new Mutex(segment, LOCK_BYTE) : new SpinLock(segment, LOCK_BYTE);
      return (count) => {
        for (let i = 0; i < count; i++) lock.lock().unlock();
      };
    }
    case 'read lock':
    case 'write lock': {
      const lock = new ReadWriteLock(segment, LOCK_BYTE);
      const read = name === 'read lock';
      return (count) => {
        for (let i = 0; i < count; i++) (read ? lock.lockShared() : lock.lock()).unlock();
      };
    }
    case 'semaphore': {
      const lock = new Semaphore(segment, LOCK_BYTE, 1);
      return (count) => {
        for (let i = 0; i < count; i++) lock.acquire().unlock();
      };
    }
    default: {
      const at = LOCK_BYTE / 4;
      return (count) => {
        for (let i = 0; i < count; i++) {
          while (Atomics.compareExchange(words, at, 0, 1) !== 0);
          Atomics.compareExchange(words, at, 1, 0);
        }
      };
    }
  }
}

const run = pairs();
if (alone) run(WARM_UP);
const count = alone ? PAIRS : CONTENDED_PAIRS;
const second =
  alone || role === 'second'
    ? undefined
    : spawn(process.execPath, [fileURLToPath(import.meta.url), name as string, '2', 'second'], {
        stdio: ['ignore', 'ignore', 'inherit', segment.descriptor],
      });
if (!alone) {
  run(1_000);
  Atomics.add(words, READY_BYTE, 1);
  while (Atomics.load(words, READY_BYTE) < 2);
}
const start = performance.now();
run(count);
if (second !== undefined) {
  Atomics.add(words, READY_BYTE + 1, 1);
  while (Atomics.load(words, READY_BYTE + 1) < 2);
} else if (role === 'second') {
  Atomics.add(words, READY_BYTE + 1, 1);
  process.exit();
}
const total = alone ? count : 2 * count;
console.log(JSON.stringify({ nanoseconds: ((performance.now() - start) * NS_PER_MS) / total }));
if (second !== undefined && second.exitCode === null) await once(second, 'exit');
process.exit();
