import { addCount } from '../memory/cells.js';
import type { SeriesRecord } from '../memory/records.js';
import { homeOf, showIn } from '../registry/home.js';
import { Child, type ChildHost, refuseValue } from './child.js';
import type { LabelValues } from './label-tree.js';
import { Metric } from './metric.js';
import { type CollectingOptions, definitionOf } from './options.js';

export interface CounterOptions<T extends string> extends CollectingOptions<T, Counter<T>> {}

/** One series of a counter. */
export class CounterChild extends Child {
  /** Adds `value`, which is no less than 0; default 1. */
  inc(value = 1): void {
    if (typeof value !== 'number' || !(value >= 0 && value < Number.POSITIVE_INFINITY))
      refuseValue(this.host.name, value, 'a counter takes finite numbers from 0 on');
    if (this.ready()) addCount(this.longs, this.at, value);
  }
}

/**
 * Counts what only goes up, for all threads and processes of its registry together: exact, whoever counts at the same time,
 * and kept when a process is killed.
 */
export class Counter<T extends string = string> extends Metric<T, CounterChild> {
  readonly #own: CounterChild | undefined;

  constructor(options: CounterOptions<T>) {
    const definition = definitionOf('counter', options, []);
    super(definition, options, homeOf(options.registers, definition.name));
    this.#own = this.begin();
    showIn(options.registers, this);
  }

  inc(value?: number): void;
  inc(labels: LabelValues<T>, value?: number): void;
  inc(labels?: LabelValues<T> | number | null, value?: number): void {
    if (typeof labels === 'object' && labels !== null) this.child(labels)?.inc(value ?? undefined);
    else (this.#own ?? this.labels({})).inc(labels ?? undefined);
  }

  protected override make(
    host: ChildHost,
    values: readonly string[],
    series: SeriesRecord | undefined,
  ): CounterChild {
    return new CounterChild(host, values, series);
  }
}
