import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect, onTestFinished, test } from 'vitest';
import { Counter, Gauge, Histogram, Registry } from '../src/index.js';
import { bridgeToMeter } from '../src/otel.js';

test('the SDK of OpenTelemetry reads the numbers of a registry, also of metrics that are defined later', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  const registry = Registry.anonymous();
  onTestFinished(() => registry.close());
  const registers = [registry];
  const counter = new Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'], registers });
  counter.inc({ kind: 'a' }, 3);
  const stop = bridgeToMeter(registry, provider.getMeter('millrace'));

  const read = async () => {
    exporter.reset();
    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [attributes, value]),
      ]),
    );
  };
  // At the first collection the metrics are found.
  await read();
  expect((await read()).get('jobs_total')).toEqual([[{ kind: 'a' }, 3]]);
  const level = new Gauge({ name: 'level', help: 'L.', registers });
  level.set(-2.5);
  new Histogram({ name: 'seconds', help: 'S.', buckets: [1], registers }).observe(2);
  counter.inc({ kind: 'b' });
  await read();
  const numbers = await read();
  expect(numbers.get('jobs_total')).toEqual([
    [{ kind: 'a' }, 3],
    [{ kind: 'b' }, 1],
  ]);
  expect(numbers.get('level')).toEqual([[{}, -2.5]]);
  expect(numbers.get('seconds_bucket')).toEqual([
    [{ le: '1' }, 0],
    [{ le: '+Inf' }, 1],
  ]);
  expect(numbers.get('seconds_sum')).toEqual([[{}, 2]]);
  stop();
  level.set(7);
  // What is read no more keeps its last value, as the SDK has it.
  expect((await read()).get('level')).toEqual([[{}, -2.5]]);
});
