import { expect, test } from 'vitest';
import {
  type MetricFamily,
  MetricsPage,
  OPENMETRICS_CONTENT_TYPE,
  PROMETHEUS_CONTENT_TYPE,
  renderFamilies,
  type Sample,
} from '../../src/text.js';

const counter = (samples: readonly Sample[], help = 'Jobs.'): MetricFamily => ({
  name: 'jobs_total',
  help,
  type: 'counter',
  samples,
});
const other: MetricFamily = { name: 'up', help: 'Whether.', type: 'gauge', samples: [{ value: 1 }] };
const kept = Object.freeze({ kind: 'kept' });

/** What is on the page at one moment after the other. */
const MOMENTS: readonly (readonly MetricFamily[])[] = [
  [
    counter([
      { labels: kept, value: 1 },
      { labels: { kind: 'b' }, value: 1 },
    ]),
  ],
  [
    counter([
      { labels: kept, value: 2 },
      { labels: { kind: 'b' }, value: Number.POSITIVE_INFINITY },
    ]),
  ],
  [other, counter([{ labels: kept, value: 3 }])],
  [
    counter([
      { labels: { kind: 'c' }, value: 4 },
      { labels: kept, value: 4 },
    ]),
  ],
  [
    counter([
      { labels: { kind: 'c', more: '1' }, value: 5 },
      { labels: {}, value: 5 },
    ]),
  ],
  [counter([{ labels: { kind: 'c' }, value: 6 }, { value: 6 }], 'Others.')],
  [{ ...counter([{ labels: { kind: 'c' }, value: 7 }], 'Others.'), type: 'gauge' }],
  [{ ...counter([{ suffix: '_bucket', labels: { le: 1 }, value: 8 }]), type: 'histogram' }],
  [{ ...counter([{ suffix: '_sum', labels: { le: 1 }, value: 9 }]), type: 'histogram' }],
  [],
  [other, counter([])],
];

test.each([PROMETHEUS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE])(
  'a page that is made again and again is each time what it would be if it were made anew: %s',
  (contentType) => {
    const defaultLabels = { kind: 'default', host: 'a"b' };
    const page = new MetricsPage({ contentType, defaultLabels });
    for (const families of MOMENTS)
      expect(page.render(families)).toBe(renderFamilies(families, { contentType, defaultLabels }));
  },
);
