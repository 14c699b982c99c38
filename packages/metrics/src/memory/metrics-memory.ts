import { randomFillSync } from 'node:crypto';
import { Mutex, type Segment, SharedMemoryError } from '@millrace/shared-memory';
import { OwnerRegistry } from '@millrace/shared-memory/internal';
import { MetricsError } from '../errors.js';
import { getLong, setDouble, type Views, viewsOf } from './cells.js';
import * as layout from './layout.js';
import {
  type Definition,
  type MetricRecord,
  readRecord,
  type SeriesRecord,
  seriesKey,
  textOf,
  writeMetric,
  writeSeries,
} from './records.js';

/** Why there is no such series. */
export type Refusal =
  | 'ERR_MILLRACE_METRICS_SERIES_FULL'
  | 'ERR_MILLRACE_METRICS_MEMORY_FULL'
  | 'ERR_MILLRACE_METRICS_BUSY'
  | 'ERR_MILLRACE_METRICS_CORRUPT';

/** Milliseconds that a thread is blocked for the lock, whose owner needs microseconds and may have been stopped. */
const LOCK_TIMEOUT_MS = 50;
/** The same where a metric is defined, as programs do when they start. */
const DEFINE_TIMEOUT_MS = 5_000;
/** Milliseconds in which it is not tried again after that: what is counted meanwhile for new series is lost. */
const BUSY_MS = 1_000;

/** Zeroed memory becomes that of a registry. */
export function formatMemory({ buffer, byteOffset, size }: Segment, maxSeries: number): void {
  const { words, bytes } = viewsOf(buffer, byteOffset, size);
  randomFillSync(bytes, layout.ID_OFFSET, layout.ID_BYTES);
  words[layout.MAX_SERIES_WORD] = maxSeries;
  words[layout.CAPACITY_WORD] = layout.unitsOf(size - layout.LOG_OFFSET);
  words[layout.VERSION_WORD] = layout.VERSION;
}

/**
 * The records of a registry's memory, and what this thread knows of them. Every process that has the memory may have written
 * over it: a record is checked once, when it is first read, and kept here; where one is wrong nothing behind it is read, and
 * no more are added.
 */
export class MetricsMemory {
  readonly views: Views;
  readonly maxSeries: number;
  readonly #segment: Segment;
  readonly #mutex: Mutex;
  readonly #capacity: number;
  readonly #byUnit = new Map<number, MetricRecord>();
  readonly #byName = new Map<string, MetricRecord>();
  #scanned = 0;
  #series = 0;
  #corrupt: MetricsError | undefined;
  #ownerError: SharedMemoryError | undefined;
  /** performance.now() until which the lock is not waited for. */
  #busyUntil = 0;

  /** Throws `ERR_MILLRACE_METRICS_CORRUPT` for memory that is none of this version. */
  constructor(segment: Segment) {
    const { buffer, byteOffset, size } = segment;
    this.#segment = segment;
    this.views = viewsOf(buffer, byteOffset, size);
    const { words } = this.views;
    const version = words[layout.VERSION_WORD];
    this.#capacity = words[layout.CAPACITY_WORD] as number;
    this.maxSeries = words[layout.MAX_SERIES_WORD] as number;
    if (version !== layout.VERSION || this.#capacity !== layout.unitsOf(size - layout.LOG_OFFSET)) {
      throw new MetricsError(
        'ERR_MILLRACE_METRICS_CORRUPT',
        `What is there are no metrics of this version: version ${version}, not ${layout.VERSION}, with room for ` +
          `${this.#capacity} units in ${size} bytes. Unlink the segment, or start all processes with the same version.`,
        { value: version, limit: layout.VERSION },
      );
    }
    this.#mutex = new Mutex(segment, layout.MUTEX_OFFSET);
    this.catchUp();
  }

  /** What tells this memory from every other. */
  get id(): string {
    return Buffer.from(
      this.views.bytes.subarray(layout.ID_OFFSET, layout.ID_OFFSET + layout.ID_BYTES),
    ).toString('hex');
  }

  get closed(): boolean {
    return this.#segment.closed;
  }

  /** What is wrong with the memory, as far as it has been read. */
  get corrupt(): MetricsError | undefined {
    return this.#corrupt;
  }

  /** Every metric that any process has defined, in the order in which that was. */
  get records(): Iterable<MetricRecord> {
    return this.#byName.values();
  }

  metric(name: string): MetricRecord | undefined {
    return this.#byName.get(name);
  }

  /** What was counted for no series, of a metric or, without one, of the memory. */
  lost(metric?: MetricRecord): number {
    return getLong(this.views.longs, metric?.lostAt ?? layout.LOST_UNIT);
  }

  lose(metric?: MetricRecord): void {
    Atomics.add(this.views.longs, metric?.lostAt ?? layout.LOST_UNIT, 1n);
  }

  /** Reads what other threads have added. */
  catchUp(): void {
    if (this.#corrupt !== undefined) return;
    // Pairs with the store in #append: the records before END are whole.
    const end = Atomics.load(this.views.words, layout.END_WORD);
    if (end < this.#scanned || end > this.#capacity) return this.#refuse(`an end at ${end}`, end);
    while (this.#scanned < end) {
      const read = readRecord(this.views, this.#scanned, end, this.#byUnit);
      if (typeof read === 'string') return this.#refuse(`${read}, at ${this.#scanned}`, read);
      this.#admit(read.record);
      this.#scanned += read.length;
    }
  }

  /** The metric of that name; made, when there is none. What is there may be another: see the caller. */
  define(definition: Definition): MetricRecord {
    const found = this.#find(definition.name);
    if (found !== undefined) return found;
    const text = textOf([definition.name, definition.help, ...definition.labelNames]);
    const refusal = this.#locked(() => {
      if (this.#find(definition.name) !== undefined) return undefined;
      const units = layout.metricUnits(definition.buckets.length, text.length);
      return this.#append(units, (unit) => writeMetric(this.views, unit, definition, text));
    }, DEFINE_TIMEOUT_MS);
    if (refusal !== undefined) throw this.error(refusal, `the metric ${definition.name}`);
    return this.#byName.get(definition.name) as MetricRecord;
  }

  /** The series of these label values; made, when there is none. `part`: of this thread alone, see the layout. */
  series(metric: MetricRecord, values: readonly string[], part: boolean): SeriesRecord | Refusal {
    const valuesKey = JSON.stringify(values);
    const owner = part ? this.#claim() : 0;
    if (owner === undefined) return 'ERR_MILLRACE_METRICS_BUSY';
    const key = seriesKey(valuesKey, part ? OwnerRegistry.slotOf(owner) : undefined);
    const find = () => {
      this.catchUp();
      return metric.series.get(key);
    };
    const found = metric.series.get(key) ?? find();
    if (found !== undefined) return found;
    const text = textOf(values);
    const units = layout.seriesUnits(metric.cells, text.length);
    const full = () => this.#full(metric, valuesKey, units);
    // First without the lock: who counts in vain does not keep others from it.
    const refusal =
      full() ??
      this.#locked(() => {
        if (find() !== undefined) return undefined;
        return full() ?? this.#append(units, (unit) => writeSeries(this.views, unit, metric, owner, text));
      });
    return refusal ?? (metric.series.get(key) as SeriesRecord);
  }

  /** Makes a part this thread's own, from 0 on when it was another's: which is dead, since this thread has its slot. */
  own({ ownerAt, cellsAt }: SeriesRecord): void {
    const token = this.#claim();
    if (token === undefined || Atomics.load(this.views.words, ownerAt) === token) return;
    setDouble(this.views.longs, cellsAt, 0);
    // Pairs with the load in families.ts: the value is this thread's.
    Atomics.store(this.views.words, ownerAt, token);
  }

  /** Whether the thread that a token names lives. */
  isAlive(owner: number): boolean {
    return this.#segment.owners.isAlive(owner);
  }

  /** What a refusal means, for `what`. */
  error(refusal: Refusal, what: string, metric?: MetricRecord): MetricsError {
    const full = this.#series >= this.maxSeries || metric === undefined;
    const limit = full ? this.maxSeries : metric.maxSeries;
    switch (refusal) {
      case 'ERR_MILLRACE_METRICS_SERIES_FULL':
        return new MetricsError(
          refusal,
          `There is no room for ${what}: there are ${limit} series of ${full ? 'the registry' : 'that metric'} (maxSeries). What is counted for ` +
            'it is lost. A label is not for what has no bound, as ids and paths; or give it a larger maxSeries.',
          { value: what, limit },
        );
      case 'ERR_MILLRACE_METRICS_MEMORY_FULL':
        return new MetricsError(
          refusal,
          `There is no room for ${what} in the ${layout.bytesOf(this.#capacity)} bytes of the registry. Give it more with the option bytes.`,
          { value: what, limit: layout.bytesOf(this.#capacity) },
        );
      case 'ERR_MILLRACE_METRICS_BUSY':
        return new MetricsError(
          refusal,
          this.#ownerError?.message ??
            `${what} could not be added for ${LOCK_TIMEOUT_MS} ms: a process that lives, and was stopped or starved, has the lock.`,
          { value: what, limit: LOCK_TIMEOUT_MS, cause: this.#ownerError },
        );
      case 'ERR_MILLRACE_METRICS_CORRUPT':
        return this.#corrupt as MetricsError;
    }
  }

  /** Whether one more series has no room, as far as this thread knows. */
  #full(metric: MetricRecord, valuesKey: string, units: number): Refusal | undefined {
    const isNew = !metric.labelSets.has(valuesKey);
    if (isNew && (metric.labelSets.size >= metric.maxSeries || this.#series >= this.maxSeries))
      return 'ERR_MILLRACE_METRICS_SERIES_FULL';
    return this.#scanned + units > this.#capacity ? 'ERR_MILLRACE_METRICS_MEMORY_FULL' : undefined;
  }

  /** Undefined where this thread cannot own anything in the memory: in another pid namespace, or beyond its number of owners. */
  #claim(): number | undefined {
    try {
      return this.#segment.owners.claim();
    } catch (error) {
      if (!(error instanceof SharedMemoryError)) throw error;
      this.#ownerError = error;
      return undefined;
    }
  }

  #find(name: string): MetricRecord | undefined {
    this.catchUp();
    return this.#byName.get(name);
  }

  #admit(record: MetricRecord | SeriesRecord): void {
    if ('metric' in record) {
      const { metric, owner, key } = record;
      metric.series.set(seriesKey(key, owner === 0 ? undefined : OwnerRegistry.slotOf(owner)), record);
      metric.labelSets.add(key);
      this.#series++;
    } else {
      this.#byUnit.set(record.at, record);
      this.#byName.set(record.name, record);
    }
  }

  /** Runs `action` while no other thread adds; a predecessor that died has left nothing to repair. */
  #locked(action: () => Refusal | undefined, longest = LOCK_TIMEOUT_MS): Refusal | undefined {
    if (this.#corrupt !== undefined) return 'ERR_MILLRACE_METRICS_CORRUPT';
    if (this.#claim() === undefined) return 'ERR_MILLRACE_METRICS_BUSY';
    const now = performance.now();
    const timeout = now < this.#busyUntil ? 0 : longest;
    const guard = this.#mutex.lock({ timeout });
    if (guard === undefined) {
      if (timeout > 0) this.#busyUntil = now + BUSY_MS;
      return 'ERR_MILLRACE_METRICS_BUSY';
    }
    try {
      return action();
    } finally {
      guard.unlock();
    }
  }

  /** Adds a record of so many units that `write` fills; by the thread that has the lock. */
  #append(units: number, write: (unit: number) => void): Refusal | undefined {
    if (this.#corrupt !== undefined) return 'ERR_MILLRACE_METRICS_CORRUPT';
    // As of the last catchUp: nobody else has added anything since this thread has the lock.
    const end = this.#scanned;
    if (end + units > this.#capacity) return 'ERR_MILLRACE_METRICS_MEMORY_FULL';
    const unit = layout.LOG_UNIT + end;
    // A thread that died while it wrote here may have left something.
    this.views.longs.fill(0n, unit, unit + units);
    write(unit);
    // Pairs with the load in catchUp.
    Atomics.store(this.views.words, layout.END_WORD, end + units);
    this.catchUp();
    return this.#corrupt === undefined ? undefined : 'ERR_MILLRACE_METRICS_CORRUPT';
  }

  #refuse(what: string, value: unknown): void {
    this.#corrupt = new MetricsError(
      'ERR_MILLRACE_METRICS_CORRUPT',
      `A process has written over the memory of the metrics: there is ${what}. What was read before is served on; new series are lost.`,
      { value },
    );
  }
}
