import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatenessHistogram } from '../src/lateness-histogram.js';

test('an empty histogram says 0', () => {
  expect(new LatenessHistogram().summary()).toEqual({ p50: 0, p99: 0, max: 0, count: 0 });
});

test('quantiles are never too low, and too high by a sixteenth at most, or by 1/16 ms', () => {
  const ms = fc.oneof(
    fc.double({ min: 0, max: 100, noNaN: true }),
    fc.double({ min: 0, max: 1e8, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (values) => {
      const histogram = new LatenessHistogram();
      for (const value of values) histogram.record(value);
      const { p50, p99, max, count } = histogram.summary();
      values.sort((a, b) => a - b);
      expect([count, max]).toEqual([values.length, values.at(-1)]);
      for (const [part, got] of [
        [0.5, p50],
        [0.99, p99],
      ] as const) {
        const exact = values[Math.ceil(values.length * part) - 1]!;
        expect(got).toBeGreaterThanOrEqual(exact);
        expect(got).toBeLessThanOrEqual(exact + Math.max(exact, 1) / 16);
      }
    }),
  );
});

test('what is later than all buckets is counted, and the maximum is exact', () => {
  const histogram = new LatenessHistogram();
  histogram.record(2 ** 50);
  expect(histogram.summary()).toMatchObject({ max: 2 ** 50, count: 1 });
});
