import { checkOptions, optionNames } from '@millrace/channel';
import { shown } from '@millrace/channel/errors';
import { MetricsError } from '../errors.js';
import { AGGREGATORS } from '../memory/layout.js';
import type { Aggregator, Definition, MetricKind } from '../memory/records.js';
import type { Registry } from '../registry/registry.js';
import { checkHelp, checkLabelNames, checkMetricName } from '../text/names.js';

/** What every metric is made with. */
export interface MetricOptions<T extends string> {
  /** Letters, digits, `_` and `:`. */
  readonly name: string;
  /** What it counts, in a sentence. */
  readonly help: string;
  /** Names of its labels. Default: none. */
  readonly labelNames?: readonly T[] | undefined;
  /** Where it is shown; its numbers are in the memory of the first. Default: `register`. None: in memory of this process alone. */
  readonly registers?: readonly Registry[] | undefined;
  /** Series of it at most, each a set of labels; beyond it what is counted is lost, and counted. Default: a quarter of those of its registry. */
  readonly maxSeries?: number | undefined;
  /**
   * Of a gauge: each thread has a part of its own, which ends with the thread, and this makes one value of those that live. Default:
   * one value, which all share and which stays. (Counters and histograms are sums in any case.)
   */
  readonly aggregator?: Aggregator | undefined;
  /** There are none: `false` is taken for programs that say so. */
  readonly enableExemplars?: false | undefined;
}

export interface CollectingOptions<T extends string, Self> extends MetricOptions<T> {
  /** Called before a page is made in this process, to bring the metric up to date. Default: nothing. */
  readonly collect?: ((this: Self) => void | Promise<void>) | undefined;
}

export interface HistogramOnlyOptions {
  /** Upper bounds, ascending; one of infinity is there in any case. Default: 0.005 to 10, for seconds of a request. */
  readonly buckets?: readonly number[] | undefined;
}

const METRIC_OPTIONS = optionNames<CollectingOptions<string, unknown>>({
  name: true,
  help: true,
  labelNames: true,
  registers: true,
  maxSeries: true,
  aggregator: true,
  enableExemplars: true,
  collect: true,
});
const HISTOGRAM_OPTIONS = new Set([
  ...METRIC_OPTIONS,
  ...optionNames<HistogramOnlyOptions>({ buckets: true }),
]);

/** What the options define, checked. `maxSeries` of the registry is the most; undefined: a quarter of it. */
export function definitionOf(
  type: MetricKind,
  options: CollectingOptions<string, never> & HistogramOnlyOptions,
  buckets: readonly number[],
): Omit<Definition, 'maxSeries'> {
  if (typeof options !== 'object' || options === null)
    throw new MetricsError(
      'ERR_MILLRACE_METRICS_OPTION',
      `A ${type} is made of an object with its name and help, not of ${shown(options)}.`,
      { value: options },
    );
  checkOptions(options, type === 'histogram' ? HISTOGRAM_OPTIONS : METRIC_OPTIONS, `A ${type}`);
  const name = checkMetricName(options.name);
  const help = checkHelp(options.help, name);
  const reserved = type === 'histogram' ? 'le' : undefined;
  const labelNames = checkLabelNames(options.labelNames ?? [], name, reserved);
  const { aggregator, collect, maxSeries } = options;
  if (!AGGREGATORS.includes(aggregator))
    refuse(name, 'aggregator', aggregator, AGGREGATORS.slice(1).join(', '));
  if (collect !== undefined && typeof collect !== 'function') refuse(name, 'collect', collect, 'a function');
  if ((options.enableExemplars as unknown) === true)
    refuse(name, 'enableExemplars', true, 'false: there are no exemplars');
  if (maxSeries !== undefined && !(Number.isInteger(maxSeries) && maxSeries >= 1 && maxSeries <= 2 ** 31 - 1))
    refuse(name, 'maxSeries', maxSeries, 'a whole number from 1 on');
  return { name, help, type, labelNames, buckets, aggregator: type === 'gauge' ? aggregator : undefined };
}

function refuse(name: string, option: string, value: unknown, limit: string): never {
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_OPTION',
    `The option ${option} of ${name} is ${shown(value)}, and has to be: ${limit}.`,
    { value, limit },
  );
}

/** Throws `ERR_MILLRACE_METRICS_MISMATCH` when another process has defined a metric of that name otherwise. */
export function checkSame(found: Definition, asked: Omit<Definition, 'maxSeries'>): void {
  for (const what of ['type', 'labelNames', 'buckets', 'aggregator'] as const) {
    const [there, wanted] = [found[what], asked[what]].map((value) => JSON.stringify(value) ?? 'none');
    if (there === wanted) continue;
    throw new MetricsError(
      'ERR_MILLRACE_METRICS_MISMATCH',
      `The metric ${asked.name} is there with another ${what}: ${there}, not ${wanted}. All processes of a registry have to define ` +
        'it alike; give it another name, or end those that have the old one.',
      { value: wanted, limit: there },
    );
  }
}
