import { shown } from '@millrace/channel/errors';
import type { Segment, SegmentName } from '@millrace/shared-memory';
import { MetricsError } from '../errors.js';
import { familyOf } from '../memory/families.js';
import { MetricsMemory } from '../memory/metrics-memory.js';
import type { Counter } from '../metric/counter.js';
import type { Gauge } from '../metric/gauge.js';
import type { Histogram } from '../metric/histogram.js';
import type { MetricFamily, Sample, SampleLabels } from '../text/family.js';
import {
  type MetricsContentType,
  OPENMETRICS_CONTENT_TYPE,
  PROMETHEUS_CONTENT_TYPE,
  renderFamilies,
} from '../text/format.js';
import { joinFamilies } from '../text/join.js';
import { type JsonMetric, jsonOf } from '../text/json.js';
import { checkLabelNames } from '../text/names.js';
import { type Inherited, inherit } from './inheritance.js';
import { familiesOfJoined, type JoinableRegistry } from './joined.js';
import { checkRegistryOptions, type RegistryOptions } from './options.js';
import {
  anonymousSegment,
  createSegment,
  openOrCreateSegment,
  openSegment,
  segmentFrom,
} from './segments.js';

/** A metric of whatever labels. */
export type AnyMetric = Counter<never> | Gauge<never> | Histogram<never> | Counter | Gauge | Histogram;

/** Of the page, for what was lost. */
const LOST_NAME = 'millrace_metrics_lost_total';
const LOST_HELP = 'What was counted for series that there is no room for, by metric.';

/** Registries without a name, of this thread. */
let nameless = 0;

/**
 * Metrics of all threads and processes that share a memory, and the page of them. The memory is that of a process above this one,
 * if that has a registry of the same name, and else made when the first metric is; or one under a name, or a descriptor, for
 * processes that are no relatives.
 */
export class Registry implements Disposable {
  static readonly PROMETHEUS_CONTENT_TYPE = PROMETHEUS_CONTENT_TYPE;
  static readonly OPENMETRICS_CONTENT_TYPE = OPENMETRICS_CONTENT_TYPE;

  readonly name: string;
  readonly #options: RegistryOptions;
  readonly #obtain: () => Inherited;
  readonly #metrics = new Map<string, AnyMetric>();
  readonly #joined = new Set<JoinableRegistry>();
  readonly #reported = new Set<string>();
  #opened: Inherited | undefined;
  #contentType: MetricsContentType = PROMETHEUS_CONTENT_TYPE;
  #defaultLabels: SampleLabels = {};

  /** One that is shared with the processes below this one, and with those above that have one of this name. */
  constructor(contentType?: MetricsContentType, options?: RegistryOptions);
  constructor(options: RegistryOptions);
  constructor(first?: MetricsContentType | RegistryOptions, second: RegistryOptions = {}) {
    const options = typeof first === 'object' ? first : second;
    checkRegistryOptions(options);
    if (first !== undefined && typeof first !== 'object') this.setContentType(first);
    this.#options = options;
    this.name = options.name ?? `registry-${++nameless}`;
    this.#obtain = () => inherit(this.name, options, (error) => this.report(error));
  }

  /** One in a segment under a name, which stays until it is unlinked. Throws when there is one. */
  static create(name: SegmentName, options: RegistryOptions = {}): Registry {
    checkRegistryOptions(options);
    return Registry.#over(createSegment(name, options), options);
  }

  /** Throws when there is none, or it is another user's. */
  static open(name: SegmentName, options: RegistryOptions = {}): Registry {
    checkRegistryOptions(options);
    return Registry.#over(openSegment(name, options), options);
  }

  /** What is there is opened as it is, of whatever size. */
  static openOrCreate(name: SegmentName, options: RegistryOptions = {}): Registry {
    checkRegistryOptions(options);
    return Registry.#over(openOrCreateSegment(name, options), options);
  }

  /** One without a name, whose `descriptor` is handed on. */
  static anonymous(options: RegistryOptions = {}): Registry {
    checkRegistryOptions(options);
    return Registry.#over(anonymousSegment(options), options);
  }

  /** One that was handed on. The descriptor stays the caller's, and may be closed at once. */
  static fromDescriptor(descriptor: number, options: RegistryOptions = {}): Registry {
    checkRegistryOptions(options);
    return Registry.#over(segmentFrom(descriptor), options);
  }

  /** One page of several registries, of this package or of prom-client. */
  static merge(registries: readonly JoinableRegistry[]): Registry {
    const merged = Registry.anonymous({ maxSeries: 16 });
    for (const registry of registries) merged.join(registry);
    return merged;
  }

  static #over(segment: Segment, options: RegistryOptions): Registry {
    try {
      const memory = new MetricsMemory(segment);
      const registry = new Registry({ name: 'named', ...options });
      registry.#opened = { segment, memory, close: () => segment.close() };
      return registry;
    } catch (error) {
      segment.close();
      throw error;
    }
  }

  get contentType(): MetricsContentType {
    return this.#contentType;
  }

  setContentType(contentType: MetricsContentType): void {
    if (contentType !== PROMETHEUS_CONTENT_TYPE && contentType !== OPENMETRICS_CONTENT_TYPE)
      throw new MetricsError(
        'ERR_MILLRACE_METRICS_OPTION',
        `There are no pages of the type ${shown(contentType)}: '${PROMETHEUS_CONTENT_TYPE}' and '${OPENMETRICS_CONTENT_TYPE}' are what there is.`,
        { value: contentType },
      );
    this.#contentType = contentType;
  }

  /** Labels of everything on the page that has none of that name; of pages that this process makes. */
  setDefaultLabels(labels: SampleLabels): void {
    checkLabelNames(Object.keys(labels), 'the default labels');
    this.#defaultLabels = { ...labels };
  }

  /** The page: every metric of every process, in the format of `contentType`. Default: that of the registry. */
  async metrics(contentType: MetricsContentType = this.#contentType): Promise<string> {
    return renderFamilies(await this.families(), { contentType, defaultLabels: this.#defaultLabels });
  }

  /** What the page is made of. */
  async families(): Promise<MetricFamily[]> {
    await Promise.all([...this.#metrics.values()].map((metric) => metric.collected()));
    const own = this.counted();
    const guests = [...this.#metrics.values()].filter((metric) => metric.memory !== this.memory);
    const ofGuests = guests.flatMap((metric) => metric.family() ?? []);
    const joined = await familiesOfJoined(this.#joined);
    return joinFamilies(own, [...ofGuests, ...joined], (error) => this.report(error));
  }

  /**
   * @internal What all processes have counted, as it is at this moment: of {@link families} what needs no function of this program, nor
   * another registry.
   */
  counted(): MetricFamily[] {
    const { memory } = this;
    memory.catchUp();
    if (memory.corrupt !== undefined) this.report(memory.corrupt);
    const families: MetricFamily[] = [];
    const samples: Sample[] = [];
    for (const metric of memory.records) {
      const family = familyOf(memory, metric);
      if (family !== undefined) families.push(family);
      const value = memory.lost(metric);
      if (value > 0) samples.push({ labels: { metric: metric.name }, value });
    }
    if (samples.length > 0) families.push({ name: LOST_NAME, help: LOST_HELP, type: 'counter', samples });
    return families;
  }

  /** Puts the metrics of another registry on the page of this one: one of prom-client, say, which a library fills. */
  join(registry: JoinableRegistry): this {
    const { getMetricsAsJSON } = Object(registry) as Partial<JoinableRegistry>;
    if (typeof getMetricsAsJSON !== 'function' || registry === this)
      throw new MetricsError(
        'ERR_MILLRACE_METRICS_OPTION',
        `${registry === this ? 'The registry itself' : shown(registry)} cannot be joined: another registry with getMetricsAsJSON is needed.`,
        { value: registry },
      );
    this.#joined.add(registry);
    return this;
  }

  /** Puts a metric on the page that was made for another registry, or for none. */
  registerMetric(metric: AnyMetric): void {
    const known = this.#metrics.get(metric.name);
    if (known !== undefined && known !== metric)
      throw new MetricsError(
        'ERR_MILLRACE_METRICS_REGISTERED',
        `The registry has a metric ${metric.name} already, made in this thread. Remove that one first.`,
        { value: metric.name },
      );
    this.#metrics.set(metric.name, metric);
  }

  /** A metric that was made in this thread. */
  getSingleMetric(name: string): AnyMetric | undefined {
    return this.#metrics.get(name);
  }

  /** Its part of the page. */
  async getSingleMetricAsString(name: string): Promise<string> {
    const families = await this.families();
    return renderFamilies(
      families.filter((family) => family.name === name),
      { defaultLabels: this.#defaultLabels },
    );
  }

  /** Those that were made in this thread. */
  getMetricsAsArray(): AnyMetric[] {
    return [...this.#metrics.values()];
  }

  /** Every metric of every process, as prom-client has them. */
  async getMetricsAsJSON(): Promise<JsonMetric[]> {
    const families = await this.families();
    return families.map((family) => {
      const metric = jsonOf(family);
      const values = metric.values.map((value) => ({
        ...value,
        labels: { ...this.#defaultLabels, ...value.labels },
      }));
      return { ...metric, values };
    });
  }

  /** Takes a metric off the page, in all processes; one that another process counts in comes back. */
  removeSingleMetric(name: string): void {
    const metric = this.#metrics.get(name);
    this.#metrics.delete(name);
    if (metric?.memory === this.memory) metric.withdraw();
  }

  /** Takes all that this thread has made off the page. */
  clear(): void {
    for (const name of [...this.#metrics.keys()]) this.removeSingleMetric(name);
    this.#joined.clear();
    this.#defaultLabels = {};
  }

  /** Sets everything that this thread has made to 0, in all processes; series with labels are removed. */
  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset();
  }

  /** What was counted for series that there is no room for. */
  get lost(): number {
    const { memory } = this;
    memory.catchUp();
    return [undefined, ...memory.records].reduce((sum, metric) => sum + memory.lost(metric), 0);
  }

  /** To hand on, of a registry that was made without a name. Throws for others. */
  get descriptor(): number {
    return this.#open().segment.descriptor;
  }

  /** Makes its memory now, where no metric has made it yet: for processes that are started before there is one. */
  share(): void {
    this.#open();
  }

  /** Ends its use here; idempotent. What is counted afterwards is not counted; the memory stays for the others. */
  close(): void {
    this.#opened?.close();
  }

  /** Closes it and removes the name of its segment; false when there is none. */
  unlink(): boolean {
    this.close();
    return this.#opened?.segment.unlink() ?? false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  get memory(): MetricsMemory {
    return this.#open().memory;
  }

  /** @internal What was lost, and why: once for each reason. */
  report(error: MetricsError): void {
    const { onLost } = this.#options;
    if (this.#reported.has(error.message)) return;
    this.#reported.add(error.message);
    if (onLost !== undefined) onLost(error);
    else process.emitWarning(error.message, { type: 'MetricsWarning', code: error.code });
  }

  #open(): Inherited {
    this.#opened ??= this.#obtain();
    return this.#opened;
  }
}

/** The registry of metrics that name no other. */
export const register = new Registry({ name: 'default' });
