/** What is refused, and what is lost and counted. */
import { expect, onTestFinished, test } from 'vitest';
import {
  Counter,
  Gauge,
  Histogram,
  type MetricsError,
  Registry,
  type RegistryOptions,
} from '../../src/index.js';

function registry(options: RegistryOptions = {}): { readonly made: Registry; readonly lost: MetricsError[] } {
  const lost: MetricsError[] = [];
  const made = Registry.anonymous({ onLost: (error) => lost.push(error), ...options });
  onTestFinished(() => made.close());
  return { made, lost };
}

test('beyond maxSeries of a metric what is counted is lost, counted as that, and reported once', async () => {
  const { made, lost } = registry();
  const counter = new Counter({
    name: 'a_total',
    help: 'A.',
    labelNames: ['user'],
    maxSeries: 2,
    registers: [made],
  });
  for (let user = 0; user < 5; user++) counter.inc({ user });
  counter.labels('9').inc();
  counter.inc({ user: 1 });
  const page = await made.metrics();
  expect(page).toContain('a_total{user="0"} 1\na_total{user="1"} 2\n');
  expect(page).toContain('\nmillrace_metrics_lost_total{metric="a_total"} 4\n');
  expect(made.lost).toBe(4);
  expect(lost).toHaveLength(1);
  expect(lost[0]).toMatchObject({
    code: 'ERR_MILLRACE_METRICS_SERIES_FULL',
    limit: 2,
    message: expect.stringContaining('a_total{user="2"}'),
  });
});

test('one metric has a quarter of the series of its registry, so that it leaves room to others', () => {
  const { made } = registry({ maxSeries: 8 });
  const registers = [made];
  const greedy = new Counter({ name: 'greedy_total', help: 'G.', labelNames: ['x'], registers });
  for (let x = 0; x < 100; x++) greedy.inc({ x });
  const other = new Counter({ name: 'other_total', help: 'O.', labelNames: ['x'], registers });
  other.inc({ x: 1 });
  expect(made.lost).toBe(98);
});

test('beyond maxSeries of the registry no metric gets one more', () => {
  const { made, lost } = registry({ maxSeries: 3 });
  const registers = [made];
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], maxSeries: 10, registers });
  for (let x = 0; x < 3; x++) counter.inc({ x });
  const gauge = new Gauge({ name: 'b', help: 'B.', registers });
  gauge.set(5);
  gauge.inc();
  expect(made.lost).toBe(2);
  expect(lost.map(({ code, limit }) => [code, limit])).toEqual([['ERR_MILLRACE_METRICS_SERIES_FULL', 3]]);
});

test('a child that had no place gets one when its series is there', async () => {
  const { made } = registry({ bytes: 4_096 });
  const registers = [made];
  const options = { name: 'a_total', help: 'A.', labelNames: ['x'], maxSeries: 1, registers } as const;
  const counter = new Counter(options);
  counter.inc({ x: 1 });
  const child = counter.labels({ x: 2 });
  child.inc();
  counter.remove({ x: 1 });
  child.inc();
  // The room of a series that was removed stays taken: it comes back under its own labels only.
  expect(made.lost).toBe(2);
  counter.inc({ x: 1 }, 5);
  expect((await counter.get()).values).toEqual([{ labels: { x: '1' }, value: 5 }]);
});

test("a label's value that is too long is lost, and reported", () => {
  const { made, lost } = registry();
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [made] });
  counter.inc({ x: 'x'.repeat(1_025) });
  counter.inc({ x: 'x'.repeat(1_024) });
  counter.labels('x'.repeat(2_000)).inc();
  expect(made.lost).toBe(2);
  expect(lost.map(({ code, limit }) => [code, limit])).toEqual([['ERR_MILLRACE_METRICS_LABELS', 1_024]]);
});

test('without a handler the process is warned', async () => {
  const made = Registry.anonymous({ maxSeries: 1 });
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [made] });
  counter.inc({ x: 1 });
  counter.inc({ x: 2 });
  expect(await warned).toMatchObject({
    name: 'MetricsWarning',
    code: 'ERR_MILLRACE_METRICS_SERIES_FULL',
  });
  made.close();
});

test('a metric without labels takes none as an empty object as well', async () => {
  const { made } = registry();
  const registers = [made];
  const counter = new Counter({ name: 'a_total', help: 'A.', registers });
  counter.inc();
  counter.inc({});
  counter.inc({}, 2);
  counter.labels().inc();
  new Histogram({ name: 'h', help: 'H.', registers }).startTimer()();
  const page = await made.metrics();
  expect(page).toContain('\na_total 5\n');
  expect(page).toContain('\nh_count 1\n');
});

const NAME = { help: 'A.', registers: [] };

test.each<[string, string, () => unknown]>([
  ['a name with a dash', 'ERR_MILLRACE_METRICS_NAME', () => new Counter({ ...NAME, name: 'a-b' })],
  ['no name', 'ERR_MILLRACE_METRICS_NAME', () => new Counter({ ...NAME } as never)],
  ['no help', 'ERR_MILLRACE_METRICS_NAME', () => new Counter({ name: 'a', registers: [] } as never)],
  [
    'a label of Prometheus',
    'ERR_MILLRACE_METRICS_NAME',
    () => new Gauge({ ...NAME, name: 'a', labelNames: ['__x'] }),
  ],
  [
    'a label twice',
    'ERR_MILLRACE_METRICS_NAME',
    () => new Gauge({ ...NAME, name: 'a', labelNames: ['x', 'x'] }),
  ],
  [
    'le of a histogram',
    'ERR_MILLRACE_METRICS_NAME',
    () => new Histogram({ ...NAME, name: 'a', labelNames: ['le'] }),
  ],
  [
    'buckets in no order',
    'ERR_MILLRACE_METRICS_OPTION',
    () => new Histogram({ ...NAME, name: 'a', buckets: [2, 1] }),
  ],
  [
    'a maxSeries of 0',
    'ERR_MILLRACE_METRICS_OPTION',
    () => new Counter({ ...NAME, name: 'a', maxSeries: 0 }),
  ],
  [
    'an option that there is not',
    'ERR_MILLRACE_UNKNOWN_OPTION',
    () => new Counter({ ...NAME, name: 'a', labels: [] } as never),
  ],
  [
    'buckets of a counter',
    'ERR_MILLRACE_UNKNOWN_OPTION',
    () => new Counter({ ...NAME, name: 'a', buckets: [1] } as never),
  ],
  [
    'exemplars',
    'ERR_MILLRACE_METRICS_OPTION',
    () => new Counter({ ...NAME, name: 'a', enableExemplars: true } as never),
  ],
  [
    'an aggregator that there is not',
    'ERR_MILLRACE_METRICS_OPTION',
    () => new Gauge({ ...NAME, name: 'a', aggregator: 'median' as never }),
  ],
  ['no options', 'ERR_MILLRACE_METRICS_OPTION', () => new Counter(null as never)],
  ['a registry of no series', 'ERR_MILLRACE_METRICS_OPTION', () => Registry.anonymous({ maxSeries: 0 })],
  ['a registry of no bytes', 'ERR_MILLRACE_METRICS_OPTION', () => Registry.anonymous({ bytes: 10 })],
  [
    'a registry of a page that there is not',
    'ERR_MILLRACE_METRICS_OPTION',
    () => new Registry('text/html' as never),
  ],
  [
    'a registry that joins itself',
    'ERR_MILLRACE_METRICS_OPTION',
    () => {
      const a = Registry.anonymous();
      a.join(a);
    },
  ],
])('%s is refused with %s', (_, code, call) => {
  expect(call).toThrow(expect.objectContaining({ code }));
});

test.each<[string, string, (counter: Counter<'x'>) => unknown]>([
  ['to go down', 'ERR_MILLRACE_METRICS_VALUE', (counter) => counter.inc({ x: 1 }, -1)],
  ['what is no number', 'ERR_MILLRACE_METRICS_VALUE', (counter) => counter.inc({ x: 1 }, '5' as never)],
  ['NaN', 'ERR_MILLRACE_METRICS_VALUE', (counter) => counter.labels(1).inc(Number.NaN)],
  ['infinity', 'ERR_MILLRACE_METRICS_VALUE', (counter) => counter.inc({ x: 1 }, Number.POSITIVE_INFINITY)],
  ['a label that there is not', 'ERR_MILLRACE_METRICS_LABELS', (counter) => counter.inc({ y: 1 } as never)],
  ['one label too many', 'ERR_MILLRACE_METRICS_LABELS', (counter) => counter.inc({ x: 1, y: 1 } as never)],
  ['one value too few', 'ERR_MILLRACE_METRICS_LABELS', (counter) => counter.labels()],
  ['an object for a label', 'ERR_MILLRACE_METRICS_LABELS', (counter) => counter.inc({ x: {} } as never)],
])('a counter refuses %s with %s', (_, code, call) => {
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [] });
  expect(() => call(counter)).toThrow(expect.objectContaining({ code }));
});

test('a second metric of a name is refused in a thread, and another definition of it everywhere', () => {
  const { made } = registry();
  const other = Registry.fromDescriptor(made.descriptor);
  onTestFinished(() => other.close());
  new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [made] });
  expect(() => new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [made] })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_METRICS_REGISTERED' }),
  );
  expect(() => new Counter({ name: 'a_total', help: 'A.', labelNames: ['y'], registers: [other] })).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_METRICS_MISMATCH',
      message: expect.stringContaining('another labelNames: ["x"], not ["y"]'),
    }),
  );
  new Counter({ name: 'a_total', help: 'Another text.', labelNames: ['x'], registers: [other] }).inc({
    x: 1,
  });
});

test('a metric that was removed is off the page, and another can have its name, from 0 on', async () => {
  const { made } = registry();
  const options = { name: 'a_total', help: 'A.', registers: [made] };
  const counter = new Counter(options);
  counter.inc(5);
  made.removeSingleMetric('a_total');
  counter.inc();
  expect(await made.metrics()).toBe('');
  new Counter(options).inc(2);
  expect(await made.metrics()).toContain('a_total 2\n');
});

test('after its registry was closed counting does nothing', () => {
  const { made } = registry();
  const registers = [made];
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers });
  const gauge = new Gauge({ name: 'b', help: 'B.', registers });
  const histogram = new Histogram({ name: 'c', help: 'C.', registers });
  const child = counter.labels(1);
  made.close();
  made.close();
  child.inc();
  counter.inc({ x: 1 });
  counter.inc({ x: 2 });
  counter.labels(3).inc();
  gauge.set(1);
  gauge.dec();
  histogram.observe(1);
});

test('a counter that a process has written over begins again with 0', async () => {
  const { made } = registry();
  const counter = new Counter({ name: 'a_total', help: 'A.', registers: [made] });
  const { views, metric } = made.memory as never as {
    views: { doubles: Float64Array };
    metric(name: string): { series: Map<string, { cellsAt: number }> };
  };
  const { cellsAt } = [...metric.call(made.memory, 'a_total').series.values()][0]!;
  for (const value of [Number.NaN, -5, Number.NEGATIVE_INFINITY]) {
    views.doubles[cellsAt] = value;
    expect(await made.metrics()).toContain('a_total 0\n');
    counter.inc(2);
    expect(await made.metrics()).toContain('a_total 2\n');
  }
});

test('a histogram takes what was observed elsewhere, and nothing that does not fit its buckets', async () => {
  const { made } = registry();
  const seconds = new Histogram({ name: 'b_seconds', help: 'B.', buckets: [1, 2], registers: [made] });
  const child = seconds.labels({});
  child.observe(0.5);
  child.add([1, 0, 2], 20);
  const page = await made.metrics();
  expect(page).toContain('b_seconds_bucket{le="1"} 2\n');
  expect(page).toContain('b_seconds_bucket{le="2"} 2\n');
  expect(page).toContain('b_seconds_bucket{le="+Inf"} 4\n');
  expect(page).toContain('b_seconds_sum 20.5\n');
  for (const [counts, sum] of [
    [[1, 1], 1],
    [[1, 1, 1, 1], 1],
    [[1, 1, 1], Number.NaN],
  ] as const)
    expect(() => child.add(counts, sum)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_METRICS_VALUE' }),
    );
});
