/**
 * The metrics of a registry as OpenTelemetry's: a meter's instruments that read the same memory when they are collected.
 *
 * ```ts
 * import { metrics } from '@opentelemetry/api';
 * import { register } from '@millrace/metrics';
 * import { bridgeToMeter } from '@millrace/metrics/otel';
 *
 * const stop = bridgeToMeter(register, metrics.getMeter('millrace'));
 * ```
 *
 * @packageDocumentation
 */
import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api';
import type { MetricFamily } from './text/family.js';

/** What is read: a registry of this package. */
export interface FamilySource {
  families(): Promise<readonly MetricFamily[]>;
}

/**
 * Gives each metric of a registry to a meter, until the call that it returns. Counters are observable counters, gauges
 * observable gauges; of a histogram, for which there is no observable, `_bucket`, `_sum` and `_count` are observable counters, as
 * Prometheus has them. What is defined later is found at the next collection, and read from the one after that.
 *
 * Notes. All processes of a registry have the same numbers: bridge it in one of them.
 */
export function bridgeToMeter(source: FamilySource, meter: Meter): () => void {
  const instruments = new Map<string, Observable>();
  let given: Observable[] = [];
  const callback: BatchObservableCallback = async (result) => {
    for (const family of await source.families()) {
      for (const { suffix = '', labels = {}, value } of family.samples) {
        const name = family.name + suffix;
        const instrument = instruments.get(name) ?? make(meter, name, family);
        instruments.set(name, instrument);
        const isNew = !given.includes(instrument);
        if (!isNew) result.observe(instrument, value, attributesOf(labels));
      }
    }
    const found = [...instruments.values()];
    if (found.length === given.length) return;
    // Instruments are named when a callback is given, and nothing is observed of others.
    meter.removeBatchObservableCallback(callback, given);
    given = found;
    meter.addBatchObservableCallback(callback, given);
  };
  // Something has to be collected for the callback to be called the first time.
  const first = meter.createObservableGauge('millrace_metrics_bridged', {
    description: 'Instruments that a registry of @millrace/metrics has been given to a meter as.',
  });
  const count: Parameters<typeof first.addCallback>[0] = (result) => result.observe(instruments.size);
  first.addCallback(count);
  given = [first];
  instruments.set('millrace_metrics_bridged', first);
  meter.addBatchObservableCallback(callback, given);
  return () => {
    first.removeCallback(count);
    meter.removeBatchObservableCallback(callback, given);
  };
}

function make(meter: Meter, name: string, { type, help }: MetricFamily): Observable {
  const options = { description: help };
  const rises = type === 'counter' || type === 'histogram' || type === 'summary';
  return rises ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options);
}

/** The bound of a bucket is a text, as all of Prometheus's labels are. */
function attributesOf(labels: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [
      name,
      value === Number.POSITIVE_INFINITY ? '+Inf' : String(value),
    ]),
  );
}
