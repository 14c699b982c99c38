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
  type LabelledMetric,
  LOOP_DELAY,
  RELOADS,
  RESTARTS,
  TABLE_READS,
  TASK_FAILURES,
  TASK_OUTCOMES,
  TASK_PENDING,
  TASK_RUN,
  TASK_WAIT,
} from './labelled.js';
import { TaskNumbers } from './task-numbers.js';

/** Series of all processes together; each process and each name of a task has some. */
const MAX_SERIES = 8_192;

/** Why a process ended that was replaced. */
export type RestartCause = 'order' | 'error' | 'signal' | 'hang' | 'deadline';

/**
 * What the server counts with labels, in memory that the master makes and all its processes have: a process that is killed leaves what it
 * has counted. A metric is defined when the first process counts in it.
 */
export class ServerRegistry {
  readonly #registry: Registry;
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>();
  readonly #tasks = new Map<string, TaskNumbers>();
  readonly #reads = new Map<string, { readonly hits: number; readonly misses: number }>();
  #isOpen = true;

  /** `descriptor`: of the memory that was handed down. In the master there is none, and it is made. */
  constructor(descriptor: number | undefined, onLost: (error: MetricsError) => void) {
    const options = { maxSeries: MAX_SERIES, onLost };
    this.#registry = descriptor === undefined ? Registry.anonymous(options) : handedDown(descriptor, options);
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

  #counter(metric: LabelledMetric): Counter {
    return this.#metric(metric, Counter, {}) as Counter;
  }

  /** Of which each process has a part, that ends with it. */
  #gauge(metric: LabelledMetric): Gauge {
    return this.#metric(metric, Gauge, { aggregator: 'sum' }) as Gauge;
  }

  #histogram(metric: LabelledMetric): Histogram {
    return this.#metric(metric, Histogram, { buckets: metric.buckets }) as Histogram;
  }

  #metric(
    { name, help, labels }: LabelledMetric,
    Kind: typeof Counter | typeof Gauge | typeof Histogram,
    more: object,
  ): Counter | Gauge | Histogram {
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = new Kind({ name, help, labelNames: labels, registers: [this.#registry], ...more });
      this.#metrics.set(name, metric);
    }
    return metric;
  }
}

/** What some process has written over costs its numbers, and no process that comes. */
function handedDown(descriptor: number, options: RegistryOptions): Registry {
  try {
    return Registry.fromDescriptor(descriptor, options);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const own = Registry.anonymous(options);
    process.emitWarning(`What this process counts is not on the page of its server: ${error.message}`, {
      type: 'MetricsWarning',
      code: error.code,
    });
    return own;
  }
}

const taskLabel = (name: string) => (name === '' ? EVENT_TASKS : name);
