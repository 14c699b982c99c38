import { MillraceError } from '@millrace/channel/errors';
import {
  Counter,
  Gauge,
  Histogram,
  type HistogramChild,
  type MetricsError,
  Registry,
  type RegistryOptions,
} from '@millrace/metrics';
import { codeOf } from './error-code.js';
import {
  ERRORS,
  EVENT_TASKS,
  HOST_TASKS,
  type LabelledMetric,
  LOOP_DELAY,
  labelledMetrics,
  RELOADS,
  RESTARTS,
  TABLE_READS,
  TASK_FAILURES,
  TASK_OUTCOMES,
  TASK_PENDING,
  TASK_REPLY,
  TASK_RUN,
  TASK_WAIT,
} from './labelled.js';
import { TaskNumbers } from './task-numbers.js';

/** Series of all processes together; each process and each name of a task has some. */
const MAX_SERIES = 8_192;

/** Why a process ended that was replaced. */
export type RestartCause = 'order' | 'error' | 'signal' | 'hang' | 'deadline';

type Metrics = ReadonlyMap<string, Counter | Gauge | Histogram>;

interface Opened {
  readonly registry: Registry;
  readonly metrics: Metrics;
}

/**
 * What the server counts with labels, in memory that the master makes and all its processes have: a process that is killed leaves what it
 * has counted. The master defines every metric while it is alone with the memory: to define one throws where another process keeps the
 * lock or has written over what is there, and a line of the log must not wait or fail by that. Counting never throws.
 */
export class ServerRegistry {
  readonly #registry: Registry;
  readonly #metrics: Metrics;
  readonly #tasks = new Map<string, TaskNumbers>();
  readonly #reads = new Map<string, { readonly hits: number; readonly misses: number }>();
  #hosts: ReadonlySet<string> = new Set();
  #isOpen = true;

  /** `descriptor`: of the memory that was handed down. In the master there is none, and it is made. */
  constructor(descriptor: number | undefined, onLost: (error: MetricsError) => void) {
    const options = { maxSeries: MAX_SERIES, onLost };
    const opened =
      descriptor === undefined ? defined(Registry.anonymous(options)) : handedDown(descriptor, options);
    this.#registry = opened.registry;
    this.#metrics = opened.metrics;
  }

  /** To hand down. */
  get descriptor(): number {
    return this.#registry.descriptor;
  }

  /** The numbers of tasks of a name, as this process asks for them. */
  task(name: string): TaskNumbers {
    let numbers = this.#tasks.get(name);
    if (numbers === undefined) {
      const task = taskLabel(name);
      numbers = new TaskNumbers({
        pending: this.#gauge(TASK_PENDING).labels({ task }),
        wait: this.#histogram(TASK_WAIT).labels({ task }),
        run: this.#histogram(TASK_RUN).labels({ task }),
        completed: this.#counter(TASK_OUTCOMES).labels({ task, outcome: 'completed' }),
        failed: this.#counter(TASK_OUTCOMES).labels({ task, outcome: 'failed' }),
        failedWith: (code) => this.#counter(TASK_FAILURES).inc({ task, code }),
      });
      this.#tasks.set(name, numbers);
    }
    return numbers;
  }

  /** A task was answered over an engine, after so many seconds. */
  replied(seconds: number): void {
    this.#histogram(TASK_REPLY).observe(seconds);
  }

  /** What hosts of the engine run; those that are no longer there are left out from here on. */
  hosts(running: ReadonlyMap<string, number>): void {
    const gauge = this.#gauge(HOST_TASKS);
    for (const host of this.#hosts) if (!running.has(host)) gauge.remove({ host });
    for (const [host, tasks] of running) gauge.set({ host }, tasks);
    this.#hosts = new Set(running.keys());
  }

  /** How often this process has read each table by now. */
  tableReads(name: string, hits: number, misses: number): void {
    const known = this.#reads.get(name) ?? { hits: 0, misses: 0 };
    this.#reads.set(name, { hits, misses });
    if (hits > known.hits) this.#counter(TABLE_READS).inc({ table: name, outcome: 'hit' }, hits - known.hits);
    if (misses > known.misses)
      this.#counter(TABLE_READS).inc({ table: name, outcome: 'miss' }, misses - known.misses);
  }

  /** An error is in the log. */
  error(error: unknown): void {
    if (!this.#isOpen) return;
    this.#counter(ERRORS).inc({ code: codeOf(error) });
  }

  restarted(role: string, cause: RestartCause): void {
    this.#counter(RESTARTS).inc({ role, cause });
  }

  reloaded(outcome: string): void {
    this.#counter(RELOADS).inc({ outcome });
  }

  /** How late the loop of a process is, in seconds. */
  loopDelay(role: string, id: number): HistogramChild {
    return this.#histogram(LOOP_DELAY).labels({ role, id });
  }

  /** Counts now what is to be counted soon. */
  flush(): void {
    for (const numbers of this.#tasks.values()) numbers.flush();
  }

  /** What is counted afterwards is not counted. Idempotent. */
  close(): void {
    if (this.#isOpen) this.#registry.close();
    this.#isOpen = false;
  }

  #counter({ name }: LabelledMetric): Counter {
    return this.#metrics.get(name) as Counter;
  }

  /** Of which each process has a part, that ends with it. */
  #gauge({ name }: LabelledMetric): Gauge {
    return this.#metrics.get(name) as Gauge;
  }

  #histogram({ name }: LabelledMetric): Histogram {
    return this.#metrics.get(name) as Histogram;
  }
}

function defined(registry: Registry): Opened {
  const metrics = labelledMetrics.map((metric) => [metric.name, defineIn(registry, metric)] as const);
  return { registry, metrics: new Map(metrics) };
}

function defineIn(registry: Registry, { type, name, help, labels, buckets }: LabelledMetric) {
  const definition = { name, help, labelNames: labels, registers: [registry] };
  switch (type) {
    case 'counter':
      return new Counter(definition);
    case 'gauge':
      return new Gauge({ ...definition, aggregator: 'sum' });
    case 'histogram':
      return new Histogram({ ...definition, ...(buckets && { buckets }) });
  }
}

/** What some process has written over costs its numbers, and no process that comes. */
function handedDown(descriptor: number, options: RegistryOptions): Opened {
  try {
    return defined(Registry.fromDescriptor(descriptor, options));
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    process.emitWarning(`What this process counts is not on the page of its server: ${error.message}`, {
      type: 'MetricsWarning',
      code: error.code,
    });
    return defined(Registry.anonymous(options));
  }
}

const taskLabel = (name: string) => (name === '' ? EVENT_TASKS : name);
