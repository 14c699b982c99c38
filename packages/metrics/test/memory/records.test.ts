/** The log of records: what a death between two stores leaves, and what a process that writes over it can do. */
import { Segment } from '@millrace/shared-memory';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type Views, viewsOf } from '../../src/memory/cells.js';
import * as layout from '../../src/memory/layout.js';
import { formatMemory, MetricsMemory } from '../../src/memory/metrics-memory.js';
import type { Definition, SeriesRecord } from '../../src/memory/records.js';

const definition: Definition = {
  name: 'a_total',
  help: 'A.',
  type: 'counter',
  labelNames: ['x'],
  buckets: [],
  aggregator: undefined,
  maxSeries: 100,
};
const histogram: Definition = { ...definition, name: 'h', type: 'histogram', buckets: [0.1, 1, 10] };

function memory(bytes = 16_384): { readonly segment: Segment; readonly views: Views; open(): MetricsMemory } {
  const segment = Segment.anonymous({
    size: layout.memoryBytes(bytes),
    kind: 'metrics',
    owners: 8,
    initialise: (made) => formatMemory(made, 1_000),
  });
  onTestFinished(() => segment.close());
  const views = viewsOf(segment.buffer, segment.byteOffset, segment.size);
  return { segment, views, open: () => new MetricsMemory(segment) };
}

/** Whether a series has a place; the reason, when not. */
const placed = (series: SeriesRecord | string) => (typeof series === 'string' ? series : 'placed');

test('what a death leaves behind END is written over, and does not count', () => {
  const { views, open } = memory();
  const first = open();
  const metric = first.define(definition);
  const end = views.words[layout.END_WORD] as number;
  // As a process that was killed while it wrote has left it: a record, or anything, that END does not cover.
  views.longs.fill(-1n, layout.LOG_UNIT + end, layout.LOG_UNIT + end + 40);
  expect(first.metric('h')).toBeUndefined();
  const series = first.series(metric, ['after'], false) as SeriesRecord;
  expect(views.longs[series.cellsAt]).toBe(0n);
  first.define(histogram);
  const other = open();
  expect([...other.records].map(({ name, series }) => [name, [...series.keys()]])).toEqual([
    ['a_total', ['["after"]']],
    ['h', []],
  ]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20])(
  'of a record of which %i words were written before a death nothing is there',
  (words) => {
    const { views, open } = memory();
    const first = open();
    const metric = first.define(definition);
    const end = views.words[layout.END_WORD] as number;
    first.series(metric, ['whole'], false);
    const from = layout.wordsOf(layout.LOG_UNIT + end);
    // Back to the state in which the writer died.
    views.words.fill(0, from + words, from + 40);
    views.words[layout.END_WORD] = end;
    const next = open();
    expect(next.metric('a_total')?.series.size).toBe(0);
    const again = next.series(next.metric('a_total') as never, ['other'], false) as SeriesRecord;
    expect(again.values).toEqual(['other']);
    expect(open().metric('a_total')?.series.size).toBe(1);
  },
);

test('two that define and add the same find the same', () => {
  const { open } = memory();
  const [one, other] = [open(), open()];
  const [a, b] = [one.define(histogram), other.define(histogram)];
  expect(b.at).toBe(a.at);
  const [s, t] = [one.series(a, ['x'], false), other.series(b, ['x'], false)] as [SeriesRecord, SeriesRecord];
  expect(t.cellsAt).toBe(s.cellsAt);
  expect(open().metric('h')?.buckets).toEqual([0.1, 1, 10]);
});

test('a memory without room says so, and what is there goes on', () => {
  const { open } = memory(512);
  const one = open();
  const metric = one.define(definition);
  const results = Array.from({ length: 30 }, (_, i) => placed(one.series(metric, [`value ${i}`], false)));
  expect(new Set(results)).toEqual(new Set(['placed', 'ERR_MILLRACE_METRICS_MEMORY_FULL']));
  expect(results[0]).toBe('placed');
  expect(placed(one.series(metric, ['value 0'], false))).toBe('placed');
  expect(() => one.define({ ...histogram, help: 'x'.repeat(600) })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_METRICS_MEMORY_FULL', limit: 512 }),
  );
});

test('a memory of another version is refused', () => {
  const { views, open } = memory();
  views.words[layout.VERSION_WORD] = 99;
  expect(open).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_METRICS_CORRUPT', value: 99, limit: 1 }),
  );
});

test('an end beyond the memory, or before what was read, is an error, and what was read stays', () => {
  for (const end of [2 ** 30, -5, 1]) {
    const { views, open } = memory();
    const one = open();
    const metric = one.define(definition);
    views.words[layout.END_WORD] = end;
    expect(placed(one.series(metric, ['x'], false))).toBe('ERR_MILLRACE_METRICS_CORRUPT');
    expect(one.corrupt).toMatchObject({ code: 'ERR_MILLRACE_METRICS_CORRUPT', value: end });
    expect(one.metric('a_total')).toBe(metric);
  }
});

test('whatever a process writes over the log, others read what is whole or stop with an error', () => {
  let corrupt = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(80), fc.integer()), { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(700), fc.nat(255)), { maxLength: 6 }),
      (words, bytes) => {
        const segment = Segment.anonymous({
          size: layout.memoryBytes(1_024),
          kind: 'metrics',
          owners: 2,
          initialise: (made) => formatMemory(made, 100),
        });
        try {
          const views = viewsOf(segment.buffer, segment.byteOffset, segment.size);
          const one = new MetricsMemory(segment);
          one.series(one.define(definition), ['x'], false);
          one.series(one.define(histogram), ['y'], false);
          const at = layout.wordsOf(layout.LOG_UNIT);
          for (const [word, value] of words) views.words[at + word] = value;
          for (const [byte, value] of bytes) views.bytes[layout.LOG_OFFSET + byte] = value;
          const other = new MetricsMemory(segment);
          if (other.corrupt !== undefined) corrupt++;
          for (const { name, labelNames, series } of other.records) {
            expect(name).toMatch(/^[a-zA-Z_:][\w:]*$/);
            for (const { values, cellsAt, metric } of series.values()) {
              expect(values.length).toBe(labelNames.length);
              expect(cellsAt + metric.cells).toBeLessThanOrEqual(views.longs.length);
            }
          }
        } finally {
          segment.close();
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(corrupt).toBeGreaterThan(50);
});
