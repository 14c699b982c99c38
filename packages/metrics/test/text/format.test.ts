import { expect, test } from 'vitest';
import { type MetricFamily, OPENMETRICS_CONTENT_TYPE, renderFamilies } from '../../src/text.js';

const open = { contentType: OPENMETRICS_CONTENT_TYPE };

test('a counter has its name as it is in the text of Prometheus, and always _total in OpenMetrics', () => {
  const family = (name: string): MetricFamily[] => [
    { name, help: 'Jobs.', type: 'counter', samples: [{ value: 3 }] },
  ];
  expect(renderFamilies(family('jobs_total'))).toBe(
    '# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total 3\n',
  );
  const expected = '# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 3\n# EOF\n';
  expect(renderFamilies(family('jobs_total'), open)).toBe(expected);
  expect(renderFamilies(family('jobs'), open)).toBe(expected);
});

test('the bounds of a histogram are floats in OpenMetrics', () => {
  const samples = [1, 2.5, Number.POSITIVE_INFINITY].map((le) => ({
    suffix: '_bucket',
    labels: { le },
    value: 1,
  }));
  const family: MetricFamily = { name: 'd', help: 'D.', type: 'histogram', samples };
  expect(renderFamilies([family])).toContain(
    'd_bucket{le="1"} 1\nd_bucket{le="2.5"} 1\nd_bucket{le="+Inf"} 1\n',
  );
  expect(renderFamilies([family], open)).toContain(
    'd_bucket{le="1.0"} 1\nd_bucket{le="2.5"} 1\nd_bucket{le="+Inf"} 1\n',
  );
});

test('what would break a line is escaped', () => {
  const family: MetricFamily = {
    name: 'a',
    help: 'A "b" \\ c\nd.',
    type: 'gauge',
    samples: [{ labels: { x: 'A "b" \\ c\nd' }, value: 1 }],
  };
  expect(renderFamilies([family])).toBe(
    '# HELP a A "b" \\\\ c\\nd.\n# TYPE a gauge\na{x="A \\"b\\" \\\\ c\\nd"} 1\n',
  );
  expect(renderFamilies([family], open)).toContain('# HELP a A \\"b\\" \\\\ c\\nd.\n');
});

test('a label without a value is not there, and default labels give way to those of a sample', () => {
  const family: MetricFamily = {
    name: 'a',
    help: 'A.',
    type: 'gauge',
    samples: [{ labels: { x: '', y: 'own' }, value: 1 }, { value: 2 }],
  };
  expect(renderFamilies([family], { defaultLabels: { y: 'default', host: 'h' } })).toContain(
    'a{y="own",host="h"} 1\na{y="default",host="h"} 2\n',
  );
});

test.each([
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [1e21, '1e+21'],
  [0.1, '0.1'],
  [-0, '0'],
])('the number %s is written as %s', (value, text) => {
  const page = renderFamilies([{ name: 'a', help: 'A.', type: 'gauge', samples: [{ value }] }]);
  expect(page.split('\n')[2]).toBe(`a ${text}`);
});

test('an unknown type has the name of its format', () => {
  const family: MetricFamily = { name: 'a', help: 'A.', type: 'unknown', samples: [{ value: 1 }] };
  expect(renderFamilies([family])).toContain('# TYPE a untyped\n');
  expect(renderFamilies([family], open)).toContain('# TYPE a unknown\n');
});
