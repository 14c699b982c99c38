/** The same program with prom-client and with this package: what the page says is the same. */
import { openMetricsComplaints, promtoolComplaints, whyNoPromtool } from '@millrace/testkit';
import fc from 'fast-check';
import * as promClient from 'prom-client';
import { describe, expect, test } from 'vitest';
import * as millrace from '../../src/index.js';

type Library = typeof millrace | typeof promClient;

/** What a program does with its metrics, of whichever library. */
type Step =
  | readonly ['inc', 'get' | 'put', number, number]
  | readonly ['set' | 'dec', string, number]
  | readonly ['observe', string, number]
  | readonly ['remove', 'get' | 'put', number]
  | readonly ['reset'];

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const amount = fc.double({ min: 0, max: 1e6, noNaN: true });
const text = fc.constantFrom('a', 'b"', 'c\\', 'd\n', 'ü');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('inc' as const), fc.constantFrom('get', 'put'), fc.nat(3), amount),
  fc.tuple(fc.constantFrom('set', 'dec'), text, number),
  fc.tuple(fc.constant('observe' as const), text, number),
  fc.tuple(fc.constant('remove' as const), fc.constantFrom('get', 'put'), fc.nat(3)),
  fc.constant(['reset'] as const),
);

async function page(library: Library, steps: readonly Step[]): Promise<string> {
  // The two have the same calls, which is what is to be shown; their types differ.
  const { Counter, Gauge, Histogram, Registry } = library as typeof millrace;
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'requests_total',
    help: 'R.',
    labelNames: ['method', 'code'],
    registers,
  });
  const plain = new Counter({ name: 'plain_total', help: 'P.', registers });
  const level = new Gauge({ name: 'level', help: 'L.', labelNames: ['tank'], registers });
  const seconds = new Histogram({
    name: 'seconds',
    help: 'S.',
    labelNames: ['route'],
    buckets: [-10, 0, 10, 1_000],
    registers,
  });
  for (const [what, ...given] of steps) {
    const [first, second, third] = given as [string, number, number];
    if (what === 'inc') {
      requests.inc({ method: first, code: second }, third);
      requests.labels(first, second).inc(third);
      plain.inc();
    } else if (what === 'set') level.set({ tank: first }, second);
    else if (what === 'dec') level.dec({ tank: first }, second);
    else if (what === 'observe') seconds.observe({ route: first }, second);
    else if (what === 'remove') requests.remove(first, second);
    else registry.resetMetrics();
  }
  registry.setDefaultLabels({ host: 'h' });
  const written = await registry.metrics();
  if (library === millrace) (registry as millrace.Registry).close();
  return written;
}

/** The lines of a page in an order of their own, and their labels: that is not promised. */
const sorted = (written: string) =>
  written
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/(?<=\{).*(?=\})/, (labels) => labels.split(',').sort().join(',')))
    .sort();

test('whatever a program counts, the page has the same lines', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      expect(sorted(await page(millrace, steps))).toEqual(sorted(await page(promClient, steps)));
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('a gauge is set to the time, and by a timer', () => {
  const gauge = new millrace.Gauge({ name: 'g', help: 'G.', labelNames: ['a'], registers: [] });
  const end = gauge.startTimer({ a: 'x' });
  const before = Date.now() / 1_000;
  gauge.setToCurrentTime({ a: 'y' });
  const seconds = end();
  expect(seconds).toBeGreaterThanOrEqual(0);
  return gauge.get().then(({ values }) => {
    expect(values[0]?.value).toBeGreaterThanOrEqual(before);
    expect(values[1]).toEqual({ labels: { a: 'x' }, value: seconds });
  });
});

test('a timer of a histogram observes under the labels of both its ends', async () => {
  const histogram = new millrace.Histogram({ name: 'h', help: 'H.', labelNames: ['a', 'b'], registers: [] });
  const seconds = histogram.startTimer({ a: 1 })({ b: 2 });
  const { values } = await histogram.get();
  expect(values.at(-2)).toEqual({ metricName: 'h_sum', labels: { a: '1', b: '2' }, value: seconds });
});

test('a metric is brought up to date before the page is made', async () => {
  const registry = millrace.Registry.anonymous();
  new millrace.Gauge({
    name: 'g',
    help: 'G.',
    registers: [registry],
    async collect() {
      await null;
      this.set(42);
    },
  });
  expect(await registry.metrics()).toContain('\ng 42\n');
});

test('buckets are made as prom-client makes them', () => {
  expect(millrace.linearBuckets(-1, 0.5, 4)).toEqual(promClient.linearBuckets(-1, 0.5, 4));
  expect(millrace.exponentialBuckets(0.1, 3, 5)).toEqual(promClient.exponentialBuckets(0.1, 3, 5));
});

test('a registry of prom-client is joined to the page, in either format', async () => {
  const theirs = new promClient.Registry();
  new promClient.Counter({ name: 'theirs_total', help: 'T.', registers: [theirs], labelNames: ['a'] }).inc(
    { a: 'x' },
    2,
  );
  new promClient.Histogram({ name: 'their_seconds', help: 'T.', registers: [theirs], buckets: [1] }).observe(
    3,
  );
  new promClient.Summary({
    name: 'their_summary',
    help: 'T.',
    registers: [theirs],
    percentiles: [0.5],
  }).observe(3);
  promClient.collectDefaultMetrics({ register: theirs });
  const ours = millrace.Registry.anonymous().join(theirs);
  new millrace.Counter({ name: 'ours_total', help: 'O.', registers: [ours] }).inc();
  const text = await ours.metrics();
  const open = await ours.metrics(millrace.OPENMETRICS_CONTENT_TYPE);
  for (const written of [text, open]) {
    expect(written).toContain('\ntheirs_total{a="x"} 2\n');
    expect(written).toContain('\nours_total 1\n');
    expect(written).toContain('\ntheir_seconds_bucket{le="+Inf"} 1\n');
    expect(written).toContain('\ntheir_summary{quantile="0.5"} 3\n');
  }
  expect(open).toContain('\n# TYPE theirs counter\n');
});

test('a joined metric of a name that is taken by another type is left out, and reported once', async () => {
  const theirs = new promClient.Registry();
  new promClient.Gauge({ name: 'a', help: 'A.', registers: [theirs] }).set(5);
  new promClient.Counter({ name: 'b', help: 'B.', registers: [theirs], labelNames: ['x'] }).inc({
    x: 'theirs',
  });
  const lost: millrace.MetricsError[] = [];
  const ours = millrace.Registry.anonymous({ onLost: (error) => lost.push(error) }).join(theirs);
  new millrace.Counter({ name: 'a', help: 'A.', registers: [ours] });
  new millrace.Counter({ name: 'b', help: 'B.', registers: [ours], labelNames: ['x'] }).inc({ x: 'ours' });
  await ours.metrics();
  const written = await ours.metrics();
  expect(written).toContain('\na 0\n');
  expect(written).not.toContain('a 5');
  expect(written).toContain('b{x="ours"} 1\nb{x="theirs"} 1\n');
  expect(lost.map(({ code }) => code)).toEqual(['ERR_MILLRACE_METRICS_JOIN']);
});

describe.skipIf(whyNoPromtool())('by promtool', () => {
  const steps: readonly Step[] = [
    ['inc', 'get', 1, 2],
    ['set', 'b"', -1.5],
    ['set', 'd\n', Number.POSITIVE_INFINITY],
    ['observe', 'c\\', 0.5],
    ['observe', 'ü', 1e9],
  ];
  async function registry() {
    // What is lost is on the page as well.
    const ours = millrace.Registry.anonymous({ maxSeries: 8, onLost: () => {} });
    const registers = [ours];
    const counter = new millrace.Counter({
      name: 'requests_total',
      help: 'R "q" \\ \n.',
      labelNames: ['m'],
      registers,
    });
    counter.inc({ m: 'a"\\\n' });
    counter.inc({ m: 'b' }, 1.5);
    for (let i = 0; i < 9; i++) counter.inc({ m: i });
    new millrace.Histogram({ name: 'request_duration_seconds', help: 'D.', registers }).observe(0.3);
    new millrace.Gauge({ name: 'queue_length', help: 'Q.', registers }).set(Number.NaN);
    return ours;
  }

  test('the page is right in the text of Prometheus', async () => {
    expect(promtoolComplaints(await page(millrace, steps))).toBe('');
    expect(promtoolComplaints(await (await registry()).metrics())).toBe('');
  });

  test('the page is right in OpenMetrics', async () => {
    const written = await (await registry()).metrics(millrace.OPENMETRICS_CONTENT_TYPE);
    expect(openMetricsComplaints(written)).toBe('');
  });
});
