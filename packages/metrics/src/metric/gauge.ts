import { addDouble, setDouble } from '../memory/cells.js';
import type { SeriesRecord } from '../memory/records.js';
import { homeOf, showIn } from '../registry/home.js';
import { Child, type ChildHost, refuseValue, stopwatch } from './child.js';
import type { LabelValues } from './label-tree.js';
import { Metric } from './metric.js';
import { type CollectingOptions, definitionOf } from './options.js';

export interface GaugeOptions<T extends string> extends CollectingOptions<T, Gauge<T>> {}

/** One series of a gauge. */
export class GaugeChild extends Child {
  set(value: number): void {
    if (typeof value !== 'number') this.#refuse(value);
    if (this.ready()) setDouble(this.longs, this.at, value);
  }

  inc(value = 1): void {
    if (typeof value !== 'number') this.#refuse(value);
    if (this.ready()) addDouble(this.longs, this.at, value);
  }

  dec(value = 1): void {
    if (typeof value !== 'number') this.#refuse(value);
    if (this.ready()) addDouble(this.longs, this.at, -value);
  }

  /** Seconds since 1970. */
  setToCurrentTime(): void {
    this.set(Date.now() / 1_000);
  }

  /** The call that it gives sets the gauge to the seconds since, and returns them. */
  startTimer(): () => number {
    const elapsed = stopwatch();
    return () => {
      const seconds = elapsed();
      this.set(seconds);
      return seconds;
    };
  }

  #refuse(value: unknown): never {
    refuseValue(this.host.name, value, 'a gauge takes numbers');
  }
}

/**
 * A number that goes up and down. Without `aggregator` it is one number that all processes change and that stays when they
 * end; with one each thread has a part of its own, and the value is made of the parts of those that live.
 */
export class Gauge<T extends string = string> extends Metric<T, GaugeChild> {
  readonly #own: GaugeChild | undefined;

  constructor(options: GaugeOptions<T>) {
    const definition = definitionOf('gauge', options, []);
    super(definition, options, homeOf(options.registers, definition.name));
    this.#own = this.begin();
    showIn(options.registers, this);
  }

  set(value: number): void;
  set(labels: LabelValues<T>, value: number): void;
  set(labels: LabelValues<T> | number, value?: number): void {
    if (typeof labels === 'object' && labels !== null) this.child(labels)?.set(value as number);
    else this.#unlabelled().set(labels);
  }

  inc(value?: number): void;
  inc(labels: LabelValues<T>, value?: number): void;
  inc(labels?: LabelValues<T> | number | null, value?: number): void {
    if (typeof labels === 'object' && labels !== null) this.child(labels)?.inc(value ?? undefined);
    else this.#unlabelled().inc(labels ?? undefined);
  }

  dec(value?: number): void;
  dec(labels: LabelValues<T>, value?: number): void;
  dec(labels?: LabelValues<T> | number | null, value?: number): void {
    if (typeof labels === 'object' && labels !== null) this.child(labels)?.dec(value ?? undefined);
    else this.#unlabelled().dec(labels ?? undefined);
  }

  /** Seconds since 1970. */
  setToCurrentTime(labels: LabelValues<T> = {}): void {
    this.child(labels)?.setToCurrentTime();
  }

  /** The call that it gives sets the gauge to the seconds since, under these and its own labels, and returns them. */
  startTimer(labels: LabelValues<T> = {}): (labels?: LabelValues<T>) => number {
    const elapsed = stopwatch();
    return (endLabels = {}) => {
      const seconds = elapsed();
      this.child({ ...labels, ...endLabels })?.set(seconds);
      return seconds;
    };
  }

  #unlabelled(): GaugeChild {
    return this.#own ?? this.labels({});
  }

  protected override make(
    host: ChildHost,
    values: readonly string[],
    series: SeriesRecord | undefined,
  ): GaugeChild {
    return new GaugeChild(host, values, series);
  }
}
