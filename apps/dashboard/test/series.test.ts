import { describe, expect, test } from 'vitest';
import { ratesOf, Series } from '../src/state/series.js';
import { minutesOf } from '../src/ui/chart-data.js';

const START = 1_800_000_000_000;
const at = (second: number) => START + second * 1_000;

function seriesOf(...samples: (readonly [second: number, value: number])[]): Series<'open'> {
  const series = new Series(['open'] as const);
  for (const [second, open] of samples) series.push(at(second), { open });
  return series;
}

describe('numbers over time', () => {
  test('stay bounded: the oldest go', () => {
    const series = seriesOf(...Array.from({ length: 2_000 }, (_, second) => [second, second] as const));
    expect(series.at.length).toBe(640);
    expect([series.at[0], series.column('open')[0]]).toEqual([at(1_360), 1_360]);
    expect(series.column('open').at(-1)).toBe(1_999);
  });

  test('have a gap where no sample came for some seconds', () => {
    const series = seriesOf([0, 1], [1, 2], [9, 3]);
    expect(series.column('open')).toEqual([1, 2, null, 3]);
    expect(series.at).toEqual([at(0), at(1), at(1) + 1, at(9)]);
  });

  test('begin with what the server has kept, and keep what was seen when it has forgotten that', () => {
    const series = seriesOf([0, 1], [1, 2], [2, 3], [6, 7]);
    series.fill({
      everyMs: 1_000,
      at: [at(1) + 200, at(2) + 200, at(3) + 200],
      series: { open: [20, 30, 40] },
    });
    expect(series.column('open')).toEqual([1, 20, 30, 40, 7]);
    series.fill({ everyMs: 1_000, at: [], series: {} });
    expect(series.column('open')).toEqual([1, 20, 30, 40, 7]);
  });

  test('take no sample of a clock that was set back', () => {
    expect(seriesOf([5, 1], [4, 2], [6, 3]).column('open')).toEqual([1, 3]);
  });

  test('a rate is what a counter has grown by in a second; unknown over a gap and after a new start', () => {
    const times = [at(0), at(1), at(3), at(4), at(5), at(6)];
    expect(ratesOf(times, [10, 30, 50, null, 60, 5])).toEqual([null, 20, 10, null, null, null]);
  });

  test('as a table they are means by the minute, newest first', () => {
    const values = [2, 4, null, 10];
    expect(minutesOf([at(0), at(30), at(59), at(60)], [values])).toEqual([
      { at: at(60), means: [10] },
      { at: at(0), means: [3] },
    ]);
  });
});
