/** Counters in memory that every process maps, where one of them has written over them. */
import { expect, test } from 'vitest';
import { CounterBlock } from '../../src/shared/counter-block.js';
import { Counters } from '../../src/shared/counters.js';
import { CONNECTIONS, DISPATCHED, MEMORY, workersAt } from '../../src/shared/counters-layout.js';

const NONSENSE = [Number.NaN, Number.POSITIVE_INFINITY, -5, 0.5, 1e300];
const topology = { reactors: 3, listeners: 2, workers: 3, processes: 3 };
const WORKERS = workersAt(topology);
const countersOf = (memory = new ArrayBuffer(Counters.bytes(topology))) => new Counters(memory, topology);

test('a counter that was written over goes on from where its thread was, and is right again for others when that looks', () => {
  const shared = new Float64Array(4);
  const block = new CounterBlock(shared);
  block.add(0, 5);
  block.set(1, 7);
  for (const value of [...NONSENSE, 3]) {
    shared.fill(value);
    expect(block.get(0)).toBe(5);
    expect(block.restore()).toBe(2);
    expect([...shared]).toEqual([5, 7, value, value]);
    expect(block.restore()).toBe(0);
  }
  shared[0] = 9_999;
  block.add(0, 1);
  expect(shared[0]).toBe(6);
});

test('what a predecessor has left is counted on from, unless it cannot be', () => {
  const shared = Float64Array.of(41, ...NONSENSE);
  const block = new CounterBlock(shared);
  for (let i = 0; i < shared.length; i++) block.add(i, 1);
  expect([...shared]).toEqual([42, 1, 1, 1, 1, 1]);
});

test.each(NONSENSE)(
  'sums of all reactors leave out %d, and no measure of a worker becomes nonsense by it',
  (value) => {
    const counters = countersOf();
    for (const r of [0, 1, 2]) {
      const own = counters.keepReactor(r);
      own.set(MEMORY, 100);
      own.add(WORKERS + CONNECTIONS, 2);
      own.add(WORKERS + DISPATCHED, 2);
    }
    counters.reactor(1)[MEMORY] = value;
    counters.reactor(1)[WORKERS + CONNECTIONS] = value;
    counters.reactor(1)[WORKERS + DISPATCHED] = value;
    expect(counters.ofReactors(MEMORY)).toBe(200);
    expect(counters.ofWorker(0, CONNECTIONS)).toBe(4);
    expect(Number.isSafeInteger(counters.underWay(0))).toBe(true);
  },
);

test('what another reactor says to hold is left out beyond what any can hold', () => {
  const counters = countersOf();
  for (const r of [0, 1, 2]) counters.reactor(r)[MEMORY] = 100;
  counters.reactor(1)[MEMORY] = 1_001;
  expect(counters.ofOtherReactors(0, MEMORY, 1_000)).toBe(100);
});

test('in base mode no worker is kept from clients by counts that cannot be, and its own is what it has', () => {
  const memory = new ArrayBuffer(Counters.bytes(topology));
  const [left, right] = [countersOf(memory), countersOf(memory)] as const;
  expect(right.enter(1, 3)).toBe(true);
  const words = new Int32Array(memory);
  for (const value of [2 ** 31 - 1, -(2 ** 31), -1, 5]) {
    words.fill(value);
    expect(left.enter(0, 3)).toBe(true);
    left.leave(0);
    expect(left.open(0)).toBe(0);
    expect(right.restoreOpen(1)).toBe(true);
    expect([right.open(1), right.restoreOpen(1)]).toEqual([1, false]);
  }
  // The third worker's words are as they were left: they are that worker's to restore.
  expect([left.enter(0, 3), left.enter(0, 3), left.enter(0, 3)]).toEqual([true, true, false]);
});
