import { MetricsError } from '../errors.js';
import { familyOf } from '../memory/families.js';
import type { MetricsMemory } from '../memory/metrics-memory.js';
import type { Definition, MetricRecord, SeriesRecord } from '../memory/records.js';
import type { Home } from '../registry/home.js';
import type { MetricFamily } from '../text/family.js';
import { type JsonMetric, jsonOf } from '../text/json.js';
import type { Child, ChildHost } from './child.js';
import { LabelTree, type LabelValues, MOST_LABEL_CHARACTERS } from './label-tree.js';
import { type CollectingOptions, checkSame } from './options.js';

/**
 * What counters, gauges and histograms have in common: a definition that all processes share, and the series of it. `C` is
 * one bound series.
 */
export abstract class Metric<T extends string, C extends Child> {
  readonly name: string;
  readonly help: string;
  readonly type: Definition['type'];
  readonly labelNames: readonly T[];
  readonly aggregator: string;
  readonly #home: Home;
  readonly #record: MetricRecord;
  readonly #tree: LabelTree<C>;
  readonly #collect: (() => void | Promise<void>) | undefined;
  readonly #reported = new Set<string>();
  readonly #host: ChildHost;
  #removed = false;

  protected constructor(
    definition: Omit<Definition, 'maxSeries'>,
    options: CollectingOptions<T, never>,
    home: Home,
  ) {
    const { memory } = home;
    const maxSeries = options.maxSeries ?? Math.max(1, Math.floor(memory.maxSeries / 4));
    const record = memory.define({ ...definition, maxSeries });
    checkSame(record, definition);
    Atomics.store(memory.views.words, record.shownAt, 1);
    this.name = definition.name;
    this.help = definition.help;
    this.type = definition.type;
    this.labelNames = definition.labelNames as readonly T[];
    this.aggregator = definition.aggregator ?? 'sum';
    this.#home = home;
    this.#record = record;
    this.#tree = new LabelTree<C>(this.name, this.labelNames);
    this.#collect = (options.collect as ((this: this) => void | Promise<void>) | undefined)?.bind(this);
    this.#host = {
      name: this.name,
      memory,
      place: (values) => this.#place(values),
      show: (series) => this.#show(series),
    };
  }

  /** The series of these labels, for a program that counts for them often: it costs less than naming them each time. */
  labels(labels: LabelValues<T>): C;
  labels(...values: readonly (string | number)[]): C;
  labels(...args: readonly unknown[]): C {
    const labels = this.#tree.labelsFrom(args);
    return this.#tree.find(labels) ?? this.#bind(labels);
  }

  /** Removes the series of these labels from the page; counted for again, it begins with 0. Its room stays taken. */
  remove(labels: LabelValues<T>): void;
  remove(...values: readonly (string | number)[]): void;
  remove(...args: readonly unknown[]): void {
    const values = this.#tree.valuesOf(this.#tree.labelsFrom(args));
    if (values === undefined) return;
    const key = JSON.stringify(values);
    this.memory.catchUp();
    for (const series of this.#record.series.values()) if (series.key === key) this.#hide(series);
  }

  /** Sets what has no labels to 0, and removes all other series, in all processes. */
  reset(): void {
    this.memory.catchUp();
    for (const series of this.#record.series.values()) {
      if (this.labelNames.length > 0) this.#hide(series);
      else this.#clear(series);
    }
  }

  /** All its series, of all processes. */
  async get(): Promise<JsonMetric> {
    await this.collected();
    const { name, help, type, aggregator } = this;
    return { ...jsonOf(this.family() ?? { name, help, type, samples: [] }), aggregator };
  }

  /** @internal */
  get memory(): MetricsMemory {
    return this.#home.memory;
  }

  /** @internal */
  family(): MetricFamily | undefined {
    this.memory.catchUp();
    return familyOf(this.memory, this.#record);
  }

  /** @internal Brings it up to date by what the program gave for that. */
  async collected(): Promise<void> {
    await this.#collect?.();
  }

  /** @internal From here on it is not on the page of its registry, whatever is counted. */
  withdraw(): void {
    this.#removed = true;
    if (this.memory.closed) return;
    this.memory.catchUp();
    for (const series of this.#record.series.values()) this.#hide(series);
    Atomics.store(this.memory.views.words, this.#record.shownAt, 0);
  }

  /** The child of labels as a program gives them at each call; undefined when they have no place, which has been counted. */
  protected child(labels: LabelValues<T>): C | undefined {
    return this.#tree.find(labels) ?? this.#childOf(labels);
  }

  /** Makes the series without labels, so that it is on the page from the beginning. */
  protected begin(): C | undefined {
    return this.labelNames.length === 0 ? this.#bind({}) : undefined;
  }

  protected abstract make(host: ChildHost, values: readonly string[], series: SeriesRecord | undefined): C;

  /** The slow way to a child that has a place. */
  #childOf(labels: Readonly<Record<string, unknown>>): C | undefined {
    const values = this.#valuesOf(labels);
    if (values === undefined) return undefined;
    const key = JSON.stringify(values);
    const known = this.#tree.byKey(key);
    if (known !== undefined) {
      this.#tree.keep(labels, key, known);
      return known;
    }
    if (this.memory.closed) return undefined;
    const series = this.#place(values);
    if (series === undefined) return undefined;
    const child = this.make(this.#host, values, series);
    this.#tree.keep(labels, key, child);
    return child;
  }

  /** A child also for labels that have no place: what it is told is lost, and counted, until there is one. */
  #bind(labels: Readonly<Record<string, unknown>>): C {
    const values = this.#tree.valuesOf(labels);
    const known = values && this.#tree.byKey(JSON.stringify(values));
    if (known !== undefined) return known;
    const found = values && !this.memory.closed ? this.#seek(values) : undefined;
    const series = typeof found === 'object' ? found : undefined;
    const child = this.make(this.#host, values ?? [], series);
    if (values !== undefined && series !== undefined) this.#tree.keep(labels, JSON.stringify(values), child);
    return child;
  }

  #valuesOf(labels: Readonly<Record<string, unknown>>): readonly string[] | undefined {
    const values = this.#tree.valuesOf(labels);
    if (values === undefined) this.#tooLong();
    return values;
  }

  #place(values: readonly string[]): SeriesRecord | undefined {
    if (values.length !== this.labelNames.length) {
      this.#tooLong();
      return undefined;
    }
    const found = this.#seek(values);
    if (typeof found === 'object') return found;
    this.#lose(found, () =>
      this.memory.error(found, labelled(this.name, this.labelNames, values), this.#record),
    );
    return undefined;
  }

  #seek(values: readonly string[]) {
    const isPart = this.#record.aggregator !== undefined;
    const found = this.memory.series(this.#record, values, isPart);
    if (isPart && typeof found === 'object') this.memory.own(found);
    return found;
  }

  #tooLong(): void {
    this.#lose('ERR_MILLRACE_METRICS_LABELS', () => tooLong(this.name));
  }

  /** Counts that something was lost; the registry is told of each reason once. */
  #lose(reason: string, error: () => MetricsError): void {
    if (this.memory.closed) return;
    this.memory.lose(this.#record);
    if (this.#reported.has(reason)) return;
    this.#reported.add(reason);
    this.#home.report(error());
  }

  #show({ shownAt }: SeriesRecord): boolean {
    if (this.#removed) return false;
    const { words } = this.memory.views;
    Atomics.store(words, shownAt, 1);
    Atomics.store(words, this.#record.shownAt, 1);
    return true;
  }

  #hide(series: SeriesRecord): void {
    Atomics.store(this.memory.views.words, series.shownAt, 0);
    this.#clear(series);
  }

  #clear({ cellsAt }: SeriesRecord): void {
    const { longs } = this.memory.views;
    for (let i = 0; i < this.#record.cells; i++) Atomics.store(longs, cellsAt + i, 0n);
  }
}

function labelled(name: string, labelNames: readonly string[], values: readonly string[]): string {
  return `${name}{${labelNames.map((label, i) => `${label}=${JSON.stringify(values[i])}`).join(',')}}`;
}

function tooLong(name: string): MetricsError {
  return new MetricsError(
    'ERR_MILLRACE_METRICS_LABELS',
    `A label of ${name} has more than ${MOST_LABEL_CHARACTERS} characters. What is counted for it is lost.`,
    { limit: MOST_LABEL_CHARACTERS },
  );
}
