import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../../src/reactor/client.js';
import { type GuardedReactor, MemoryGuard } from '../../src/reactor/memory-guard.js';
import { CounterBlock } from '../../src/shared/counter-block.js';

const MIB = 1 << 20;
const LIMITS = {
  maxClientMemory: 24 * MIB,
  clientMemoryHighWatermark: 16 * MIB,
  clientMemoryTimeout: 60_000,
};
const PACKAGE_MAX_LENGTH = 4 * MIB;

/** A connection that has begun `inputBytes` of a message, and whether it is read from. */
function clientWith(inputBytes: number) {
  const client = {
    connection: { inputBytes, missingBytes: 0 },
    get memoryBytes() {
      return client.connection.inputBytes;
    },
    paused: false,
    pauseFor: () => (client.paused = true),
    resumeFor: () => (client.paused = false),
  };
  return client;
}

type FakeClient = ReturnType<typeof clientWith>;

/** A guard whose clock and timers the test moves. */
function guardOf(clients: readonly FakeClient[]) {
  const timers: (() => void)[] = [];
  const context = {
    reactor: {
      timers: {
        // The longer one is of what is given back to the system.
        after: (ms: number, callback: () => void) => ms <= 25 && timers.push(callback),
      },
      defer: (callback: () => void) => callback(),
    },
    data: { index: 0, topology: { reactors: 1 } },
    counters: new CounterBlock(new Float64Array(64)),
    allCounters: { ofOtherReactors: () => 0 },
    clients: { all: () => clients },
    port: () => ({ packageMaxLength: PACKAGE_MAX_LENGTH }),
    count: () => {},
    log: () => {},
  };
  const guard = new MemoryGuard(context as unknown as GuardedReactor, LIMITS);
  /** Whether the client may go on in the middle of a turn that has brought so many bytes. */
  const admits = (client: FakeClient, bytes: number) => {
    guard.use.bytes = bytes;
    return guard.admits(client as unknown as Client);
  };
  const hold = (bytes: number) => {
    guard.use.bytes = bytes;
    guard.check();
  };
  /** The guard's next look; returns how many timers run after it. */
  const tick = () => {
    vi.advanceTimersByTime(25);
    for (const callback of timers.splice(0)) callback();
    return timers.length;
  };
  return { admits, hold, tick };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('clients that hold little are let go below the bound, though no whole message has room there', () => {
  const small = Array.from({ length: 10 }, () => clientWith(0));
  const { admits, hold, tick } = guardOf(small);
  for (const client of small) expect(admits(client, 25 * MIB)).toBe(false);
  expect(small.every(({ paused }) => paused)).toBe(true);
  hold(23 * MIB);
  tick();
  expect(small.some(({ paused }) => paused)).toBe(false);
});

test('no room is kept for a client that has begun no message', () => {
  const small = clientWith(0);
  const large = clientWith(MIB);
  const { admits, hold, tick } = guardOf([small, large]);
  for (const client of [small, large]) expect(admits(client, 25 * MIB)).toBe(false);
  hold(18 * MIB);
  tick();
  // There is room for one message: for the one that was begun.
  expect([small.paused, large.paused]).toEqual([false, false]);
});

test('room that was kept for a message is free once that has come, and nothing is watched any more when little is held', () => {
  const clients = [clientWith(MIB), clientWith(MIB), clientWith(MIB)];
  const [first, second, third] = clients as [FakeClient, FakeClient, FakeClient];
  const { admits, hold, tick } = guardOf(clients);
  for (const client of clients) expect(admits(client, 25 * MIB)).toBe(false);
  hold(19 * MIB);
  tick();
  expect([first.paused, second.paused, third.paused]).toEqual([false, true, true]);
  // More of the message, then its end and the beginning of the next, which is longer than what there was at first.
  first.connection.inputBytes = 3 * MIB;
  tick();
  expect(second.paused).toBe(true);
  first.connection.inputBytes = 2 * MIB;
  tick();
  expect([second.paused, third.paused]).toEqual([false, true]);
  hold(MIB);
  expect(tick()).toBe(0);
});
