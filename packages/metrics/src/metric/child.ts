import { shown } from '@millrace/channel/errors';
import { MetricsError } from '../errors.js';
import type { MetricsMemory } from '../memory/metrics-memory.js';
import type { SeriesRecord } from '../memory/records.js';

/** What a child needs of its metric. */
export interface ChildHost {
  readonly name: string;
  readonly memory: MetricsMemory;
  /** The series of these values; undefined where there is no room for it, which has been counted. */
  place(values: readonly string[]): SeriesRecord | undefined;
  /** Shows a series again that was removed; false where the metric itself was, or its memory is closed. */
  show(series: SeriesRecord): boolean;
}

/** One series of a metric, bound to its cells. */
export abstract class Child {
  protected readonly host: ChildHost;
  protected readonly longs: BigInt64Array;
  readonly #words: Int32Array;
  readonly #values: readonly string[];
  #series: SeriesRecord | undefined;
  /** In 64-bit units; -1: it has no place, yet. */
  protected at = -1;
  #shownAt = 0;

  constructor(host: ChildHost, values: readonly string[], series: SeriesRecord | undefined) {
    this.host = host;
    this.longs = host.memory.views.longs;
    this.#words = host.memory.views.words;
    this.#values = values;
    this.#take(series);
  }

  /** Whether what is counted now has a place that is shown; what has none is counted as lost. */
  protected ready(): boolean {
    // Of a closed memory there is nothing.
    return this.#words[this.#shownAt] === 1 && this.at >= 0 ? true : this.#settle();
  }

  #settle(): boolean {
    if (this.host.memory.closed) return false;
    if (this.at < 0) this.#take(this.host.place(this.#values));
    const series = this.#series;
    return (
      series !== undefined && (Atomics.load(this.#words, series.shownAt) === 1 || this.host.show(series))
    );
  }

  #take(series: SeriesRecord | undefined): void {
    if (series === undefined) return;
    this.#series = series;
    this.at = series.cellsAt;
    this.#shownAt = series.shownAt;
  }
}

/** Throws `ERR_MILLRACE_METRICS_VALUE`. */
export function refuseValue(name: string, value: unknown, limit: string): never {
  throw new MetricsError('ERR_MILLRACE_METRICS_VALUE', `${name} cannot take ${shown(value)}: ${limit}.`, {
    value,
    limit,
  });
}

/** Seconds since it was made. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1_000;
}
