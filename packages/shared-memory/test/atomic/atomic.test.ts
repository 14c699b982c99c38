import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { AtomicInt64, AtomicUint32, Segment } from '../../src/index.js';
import { waitingMode } from '../../src/wait/word-waiter.js';
import { freshNames } from '../segment/names.js';

const PROGRAM = new URL('../../dist-test/atomic/fixtures/atomic-user.js', import.meta.url);
const code = (value: string) => expect.objectContaining({ code: value });

function start(
  atomic: AtomicUint32,
  action: string,
  detail = '',
): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [PROGRAM.pathname, action, '3', detail], {
    stdio: ['ignore', 'pipe', 'inherit', atomic.segment.descriptor],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { child, output: () => output };
}

/** Waits until a process or a thread sleeps in the kernel for a futex. */
async function asleep(atomic: AtomicUint32, action: string) {
  const started = start(atomic, action);
  await until('the child to wait', () => started.output().includes('waiting'));
  return started;
}

test('G14 waking a 1 leaves it a 1, and waking a 0 makes it one', () => {
  using atomic = AtomicUint32.anonymous(1);
  expect(atomic.wake()).toBe(true);
  expect(atomic.get()).toBe(1);
  atomic.set(0);
  expect(atomic.wake()).toBe(true);
  expect(atomic.get()).toBe(1);
});

test('G14 waiting for a 0 that nobody wakes is false after the timeout, and it stays a 0', () => {
  using atomic = AtomicUint32.anonymous(0);
  const start = performance.now();
  expect(atomic.wait({ timeout: 1_000 })).toBe(false);
  expect(performance.now() - start).toBeGreaterThanOrEqual(1_000);
  expect(atomic.get()).toBe(0);
});

test('G14 waiting for a 1 consumes it at once', () => {
  using atomic = AtomicUint32.anonymous(1);
  expect(atomic.wait({ timeout: 1_000 })).toBe(true);
  expect(atomic.get()).toBe(0);
});

test('G14 waitAsync does as wait does', async () => {
  using atomic = AtomicUint32.anonymous(1);
  expect(await atomic.waitAsync({ timeout: 1_000 })).toBe(true);
  expect(atomic.get()).toBe(0);
  const start = performance.now();
  expect(await atomic.waitAsync({ timeout: 200 })).toBe(false);
  expect(performance.now() - start).toBeGreaterThanOrEqual(199);
});

test('a value that is neither 0 nor 1 ends the waiting at once', async () => {
  using atomic = AtomicUint32.anonymous(2);
  expect(atomic.wait()).toBe(false);
  expect(await atomic.waitAsync()).toBe(false);
  atomic.wake();
  expect(atomic.get()).toBe(2);
});

test('it wraps at 32 bits, and add and sub return the new value', () => {
  using atomic = AtomicUint32.anonymous(2 ** 32 - 1);
  expect(atomic.get()).toBe(4_294_967_295);
  expect(atomic.add()).toBe(0);
  expect(atomic.sub(2)).toBe(4_294_967_294);
  expect(atomic.compareAndSet(4_294_967_294, 7)).toBe(true);
  expect(atomic.compareAndSet(4_294_967_294, 8)).toBe(false);
  expect(atomic.get()).toBe(7);
});

test('a long wraps at 64 bits, takes safe integers and returns bigints', () => {
  using atomic = AtomicInt64.anonymous(2n ** 63n - 1n);
  expect(atomic.add()).toBe(-(2n ** 63n));
  expect(atomic.sub(1)).toBe(2n ** 63n - 1n);
  expect(atomic.compareAndSet(2n ** 63n - 1n, -5)).toBe(true);
  expect(atomic.compareAndSet(0, 1)).toBe(false);
  expect(atomic.get()).toBe(-5n);
  atomic.set(12);
  expect(atomic.get()).toBe(12n);
  for (const value of [1.5, 2 ** 53, Number.NaN]) {
    expect(() => atomic.add(value)).toThrow(code('ERR_MILLRACE_ATOMIC_VALUE'));
  }
});

test('processes and threads that add at once lose nothing', async () => {
  using atomic = AtomicUint32.anonymous();
  const each = 50_000;
  const children = [1, 2].map(() => start(atomic, 'add', String(each)).child);
  const thread = new Worker(PROGRAM, { argv: ['add', String(atomic.segment.descriptor), String(each)] });
  for (let i = 0; i < each; i++) atomic.add(1);
  await Promise.all([once(thread, 'exit'), ...children.map((child) => once(child, 'close'))]);
  expect(atomic.get()).toBe(4 * each);
});

test.each(['wait', 'wait later'])(
  'another process that is in "%s" is woken, once for each wake',
  async (action) => {
    using atomic = AtomicUint32.anonymous();
    const waiters = [await asleep(atomic, action), await asleep(atomic, action)];
    const woken = () => waiters.filter(({ output }) => output().includes('woken true')).length;
    atomic.wake();
    await until('the first to be woken', () => woken() === 1);
    await until('the 1 to be consumed', () => atomic.get() === 0);
    atomic.wake();
    await until('the second to be woken', () => woken() === 2);
    await Promise.all(waiters.map(({ child }) => child.exitCode ?? once(child, 'close')));
  },
);

test('this process is woken by another, without blocking meanwhile', async () => {
  using atomic = AtomicUint32.anonymous();
  const waiting = atomic.waitAsync({ timeout: 60_000 });
  const turns = await new Promise<number>((resolve) => setImmediate(() => resolve(1)));
  expect(turns).toBe(1);
  const { child } = start(atomic, 'wake');
  expect(await within('the waking', waiting)).toBe(true);
  await once(child, 'close');
  expect(waitingMode()).toBe('thread');
});

test('of several who wait one is woken and consumes the 1, and the others go on waiting', async () => {
  using atomic = AtomicUint32.anonymous();
  const waiting = Array.from({ length: 3 }, () => atomic.waitAsync({ timeout: 60_000 }));
  let done = 0;
  for (const each of waiting) each.then(() => done++);
  for (let woken = 1; woken <= 3; woken++) {
    atomic.wake();
    await until('the 1 to be consumed', () => done === woken);
    expect(atomic.get()).toBe(0);
  }
  expect(await Promise.all(waiting)).toEqual([true, true, true]);
});

test('an aborted wait is rejected with the reason, and leaves the value to others', async () => {
  using atomic = AtomicUint32.anonymous();
  const stop = new AbortController();
  const waiting = atomic.waitAsync({ timeout: 60_000, signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(atomic.waitAsync({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
    'before',
  );
  atomic.wake();
  expect(atomic.wait()).toBe(true);
});

test('closing rejects who waits, and every use after it', async () => {
  const atomic = AtomicUint32.anonymous();
  const waiting = atomic.waitAsync({ timeout: 60_000 });
  atomic.close();
  await expect(waiting).rejects.toThrow(code('ERR_MILLRACE_CLOSED'));
  await expect(atomic.waitAsync()).rejects.toThrow(code('ERR_MILLRACE_CLOSED'));
  for (const use of [() => atomic.get(), () => atomic.add(), () => atomic.wake(), () => atomic.wait()]) {
    expect(use).toThrow(code('ERR_MILLRACE_CLOSED'));
  }
  const long = AtomicInt64.anonymous();
  long.close();
  expect(() => long.get()).toThrow(code('ERR_MILLRACE_CLOSED'));
});

test('more waits than the kernel takes at once are all served', async () => {
  using segment = Segment.anonymous({ size: 200 * AtomicUint32.bytes });
  const atomics = Array.from({ length: 200 }, (_, i) => new AtomicUint32(segment, i * AtomicUint32.bytes));
  const waiting = Promise.all(atomics.map((atomic) => atomic.waitAsync({ timeout: 60_000 })));
  await until('the waiting thread', () => waitingMode() === 'thread');
  for (const atomic of atomics) atomic.wake();
  expect(await within('all of them', waiting)).toEqual(atomics.map(() => true));
});

test('a thread that waits for ever, blocking or not, can be ended', async () => {
  using atomic = AtomicUint32.anonymous();
  for (const action of ['wait for ever', 'wait later']) {
    const thread = new Worker(PROGRAM, { argv: [action, String(atomic.segment.descriptor)] });
    await within('the thread to wait', once(thread, 'message'));
    await within('the end of the thread', thread.terminate());
  }
});

test('unrelated processes find it by its name', async () => {
  const { posix } = freshNames();
  using atomic = AtomicUint32.openOrCreate(posix, 5);
  using same = AtomicUint32.openOrCreate(posix, 6);
  expect(same.add()).toBe(6);
  expect(AtomicUint32.open(posix).get()).toBe(6);
  expect(() => AtomicInt64.open(posix)).toThrow(code('ERR_MILLRACE_SEGMENT_MISMATCH'));
  expect(() => AtomicUint32.create(posix)).toThrow(code('ERR_MILLRACE_SEGMENT_EXISTS'));
  expect(atomic.unlink()).toBe(true);
});

test('bad values, timeouts and places are named with their limits', async () => {
  expect(() => AtomicUint32.anonymous(-1)).toThrow(code('ERR_MILLRACE_ATOMIC_VALUE'));
  expect(() => AtomicUint32.anonymous(2 ** 32)).toThrow(code('ERR_MILLRACE_ATOMIC_VALUE'));
  using atomic = AtomicUint32.anonymous();
  for (const timeout of [-1, Number.NaN]) {
    expect(() => atomic.wait({ timeout })).toThrow(code('ERR_MILLRACE_TIMEOUT_VALUE'));
    await expect(atomic.waitAsync({ timeout })).rejects.toThrow(code('ERR_MILLRACE_TIMEOUT_VALUE'));
  }
  using segment = Segment.anonymous({ size: 64 });
  for (const offset of [4, 8, -8]) {
    expect(() => new AtomicUint32(segment, offset)).toThrow(code('ERR_MILLRACE_SEGMENT_SIZE'));
  }
});

test.each([30 * 86_400_000, Number.POSITIVE_INFINITY])(
  'waits for %d ms without blocking',
  async (timeout) => {
    using atomic = AtomicUint32.anonymous();
    const woken = atomic.waitAsync({ timeout });
    setImmediate(() => atomic.wake());
    expect(await woken).toBe(true);
    expect(await atomic.waitAsync({ timeout: 0 })).toBe(false);
    atomic.wake();
    expect(await atomic.waitAsync({ timeout: 0 })).toBe(true);
  },
);
