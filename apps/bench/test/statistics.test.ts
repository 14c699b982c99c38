import { expect, test } from 'vitest';
import { against } from '../dist/against.js';
import { measure } from '../dist/harness.js';
import { medianWithin, summarize } from '../dist/statistics.js';
import { loadSuite } from '../dist/suites.js';

test('a summary has the median of an odd and of an even number of values', () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(summarize([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(() => summarize([])).toThrow(RangeError);
});

test('the median of many values lies between two of them, which outliers do not move', () => {
  const values = Array.from({ length: 100 }, (_, i) => i);
  expect(medianWithin(values)).toEqual({ median: 49.5, low: 40, high: 59 });
  expect(medianWithin([...values.slice(0, 99), 1e9])).toEqual({ median: 49.5, low: 40, high: 59 });
  expect(medianWithin([1, 2])).toEqual({ median: 1.5, low: 1, high: 2 });
});

test('what there is to reach is compared with the peer of its round, and is unknown when a part has failed', async () => {
  const named = (name: string, values: number[]) => ({
    name,
    run: async () => {
      const value = values.shift();
      if (value === undefined) throw new Error('It has no more.');
      return { value };
    },
  });
  const [ours, peer, part] = [named('ours', [8, 8]), named('peer', [10, 40]), named('part', [5, 5])];
  const short = named('short', [5]);
  const of = (parts: readonly Readonly<Record<string, number>>[]) =>
    parts.reduce((sum, { value = 0 }) => sum + value, 0);
  const compared = { unit: 'us', metric: 'value', better: 'less', ours, peer } as const;
  const { compared: outcomes } = await measure(
    [
      {
        contenders: [ours, peer, part, short],
        comparisons: [
          { ...compared, case: 'known', limit: { parts: [part, part], of } },
          { ...compared, case: 'unknown', limit: { parts: [part, short], of } },
        ],
      },
    ],
    2,
    () => {},
  );
  expect(outcomes.map(({ row }) => row?.limit)).toEqual([{ median: 2.5, min: 1, max: 4 }, undefined]);
  expect(outcomes.map(({ row }) => row?.ratio.median)).toEqual([3.125, 3.125]);
});

test('contenders run in turns and are compared within their round, above 1 meaning that ours is better', async () => {
  const order: string[] = [];
  const contender = (name: string, values: number[]) => ({
    name,
    run: async () => {
      order.push(name);
      return { value: values.shift() as number };
    },
  });
  const ours = contender('a', [10, 20, 30]);
  const peer = contender('b', [5, 5, 60]);
  const missing = { ...contender('c', []), missing: 'it is not here' };
  const comparison = { case: 'x', unit: 'u', metric: 'value', ours, peer } as const;
  const { compared: outcomes } = await measure(
    [
      {
        contenders: [ours, peer, missing],
        comparisons: [
          { ...comparison, better: 'more' },
          { ...comparison, better: 'less' },
          { ...comparison, better: 'less', peer: missing },
        ],
      },
    ],
    3,
    () => {},
  );
  expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  expect(outcomes[0]?.row?.ratio).toEqual({ median: 2, min: 0.5, max: 4 });
  expect(outcomes[1]?.row?.ratio).toEqual({ median: 0.5, min: 0.25, max: 2 });
  expect(outcomes[2]?.row).toBeUndefined();
});

test('figures are told for themselves, and a contender that fails has none', async () => {
  const kills = { name: 'a', run: async () => ({ lost: 2, ms: 5 }) };
  const failing = {
    name: 'b',
    run: async () => {
      throw new Error('no');
    },
  };
  const figure = { case: 'lost', unit: 'messages', metric: 'lost' } as const;
  const { told } = await measure(
    [
      {
        contenders: [kills, failing],
        comparisons: [],
        figures: [
          { ...figure, contender: kills, over: 'sum' },
          { ...figure, metric: 'ms', contender: kills },
          { ...figure, contender: failing },
        ],
      },
    ],
    3,
    () => {},
  );
  expect(told.map(({ name, median }) => [name, median])).toEqual([
    ['a', 6],
    ['a', 5],
  ]);
});

test('a suite that is not there is an error that lists what is there', async () => {
  await expect(loadSuite('nothing')).rejects.toThrow(
    "There is no suite 'nothing'; there are: timers, reactor, channels, primitives, memory, metrics, pools, server, http.",
  );
});

test('beside another checkout, ours stands against the same of there, each once, and what it does not have is left out', () => {
  const contender = (name: string) => ({ name, run: async () => ({ value: 1 }) });
  const group = (of: string, ...names: string[]) => {
    const [peer, ...ours] = ['peer', ...names].map(contender) as [ReturnType<typeof contender>];
    const row = { unit: 'u', metric: 'value', better: 'more', peer } as const;
    const comparisons = ours.flatMap((own) => [1, 2].map(() => ({ ...row, case: of, ours: own })));
    return { contenders: [...ours, peer], comparisons };
  };
  const groups = against(
    [group('x', 'ring', 'new'), group('later', 'ring')],
    [group('x', 'ring'), group('y')],
  );
  expect(groups.map(({ contenders }) => contenders.map(({ name }) => name))).toEqual([
    ['ring', 'ring, the other checkout'],
  ]);
  expect(groups[0]?.comparisons.map((row) => [row.case, row.ours.name, row.peer.name, row.bar])).toEqual([
    ['x', 'ring', 'ring, the other checkout', 0.97],
  ]);
});
