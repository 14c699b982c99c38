import { expect, test } from 'vitest';
import {
  bytes,
  bytesPerSecond,
  count,
  duration,
  milliseconds,
  percent,
  rate,
  titleOf,
} from '../src/ui/format.js';

test('numbers are told as people read them, and what is not known by a dash', () => {
  expect([0, 999, 1_000, 1_536, 52_428_800, 12 * 2 ** 30].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1 KiB',
    '1.5 KiB',
    '50 MiB',
    '12 GiB',
  ]);
  expect([0, 0.42, 9.96, 12_345].map(rate)).toEqual(['0', '0.4', '10', '12.3K']);
  expect([0.4, 12.4].map(percent)).toEqual(['0.4 %', '12 %']);
  expect([0.4, 12.4, 2_500].map(milliseconds)).toEqual(['0.4 ms', '12 ms', '2.5 s']);
  expect([4_000, 65_000, 3_700_000, 90_000_000].map(duration)).toEqual([
    '4 s',
    '1 min 5 s',
    '1 h 1 min',
    '1 d 1 h',
  ]);
  expect(count(10_000)).toBe('10,000');
  for (const format of [bytes, bytesPerSecond, count, rate, percent, milliseconds, duration])
    expect([null, undefined, Number.NaN].map(format)).toEqual(['–', '–', '–']);
  expect(['task-worker:3', 'master'].map(titleOf)).toEqual(['task worker 3', 'master']);
});
