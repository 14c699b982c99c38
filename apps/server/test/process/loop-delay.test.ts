import { expect, test } from 'vitest';
import { LoopDelay } from '../../src/process/loop-delay.js';

const EVERY_MS = 20;

/** Delays that are met each 20 ms, from `from` on; returns when the last was. */
function meet(delays: LoopDelay, each: readonly number[], from = 0): number {
  let now = from;
  for (const delay of each) {
    now += EVERY_MS + delay;
    delays.record(delay, now, () => {});
  }
  return now;
}

test('a loop that was never late, or never looked at, is late by nothing', () => {
  const delays = new LoopDelay(EVERY_MS);
  expect(delays.p99()).toBe(0);
  meet(delays, Array<number>(100).fill(0));
  expect(delays.p99()).toBe(0);
});

test.each([1, 7, 33, 450])('99 of 100 wait no longer than is told, and nearly so long: %i ms', (late) => {
  const delays = new LoopDelay(1_000);
  for (const delay of [...Array<number>(900).fill(0.1), ...Array<number>(30).fill(late), 900])
    delays.record(delay, 0, () => {});
  expect(delays.p99()).toBeGreaterThanOrEqual(late);
  expect(delays.p99()).toBeLessThanOrEqual(late * 1.1);
});

test('a loop that stands for a second is late for all who would have come meanwhile', () => {
  const delays = new LoopDelay(EVERY_MS);
  const seen: number[] = [];
  meet(delays, Array<number>(200).fill(0));
  delays.record(1_000, 5_000, (ms) => seen.push(ms));
  expect(seen).toHaveLength(1_000 / EVERY_MS);
  expect([seen[0], seen.at(-1)]).toEqual([1_000, EVERY_MS]);
  expect(delays.p99()).toBeGreaterThan(900);
});

test('what was long ago is not told any more', () => {
  const delays = new LoopDelay(EVERY_MS);
  const now = meet(delays, [500]);
  expect(delays.p99()).toBeGreaterThan(400);
  const later = meet(delays, Array<number>(300).fill(0), now);
  expect(delays.p99()).toBeGreaterThan(100);
  meet(delays, Array<number>(600).fill(0), later);
  expect(delays.p99()).toBe(0);
});

test('a process that was stopped for a day costs no more to tell of than one that stood for a minute', () => {
  const delays = new LoopDelay(EVERY_MS);
  let told = 0;
  delays.record(86_400_000, 0, () => told++);
  expect(told).toBe(60_000 / EVERY_MS);
});
