import { MillraceError } from '@millrace/channel/errors';
import {
  Counter,
  type CounterChild,
  Gauge,
  type GaugeChild,
  Histogram,
  type HistogramChild,
  type MetricsError,
  Registry,
  type RegistryOptions,
} from '@millrace/metrics';
import {
  ERRORS,
  type LabelledMetric,
  LOOP_DELAY,
  RELOADS,
  RESTARTS,
  TASK_FAILURES,
  TASK_OUTCOMES,
  TASK_PENDING,
  TASK_RUN,
  TASK_RUNNING_SINCE,
  TASK_WAIT,
} from './labelled.js';

/** Series of all processes together; each process and each name of a task has some. */
const MAX_SERIES = 8_192;
/** The codes that errors of programs may have without limit; others are 'other'. */
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

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

  /** The numbers of tasks of a name. */
  task(name: string): TaskNumbers {
    let numbers = this.#tasks.get(name);
    if (numbers === undefined) {
      const task = taskLabel(name);
      numbers = new TaskNumbers({
        pending: this.#gauge(TASK_PENDING, 'sum').labels({ task }),
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

  /** What the task worker of this process runs; a part of the gauge that ends with the process. */
  runningIn(worker: number): RunningNumbers {
    const gauge = this.#gauge(TASK_RUNNING_SINCE, 'max');
    return new RunningNumbers((name) => gauge.labels({ worker, task: taskLabel(name) }));
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

  /** What is counted afterwards is not counted. Idempotent. */
  close(): void {
    if (this.#isOpen) this.#registry.close();
    this.#isOpen = false;
  }

  #counter(metric: LabelledMetric): Counter {
    return this.#metric(metric, Counter, {}) as Counter;
  }

  #gauge(metric: LabelledMetric, aggregator: 'sum' | 'max'): Gauge {
    return this.#metric(metric, Gauge, { aggregator }) as Gauge;
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

interface TaskChildren {
  readonly pending: GaugeChild;
  readonly wait: HistogramChild;
  readonly run: HistogramChild;
  readonly completed: CounterChild;
  readonly failed: CounterChild;
  readonly failedWith: (code: string) => void;
}

/** Of the tasks of one name that this process asks for. Times in milliseconds. */
export class TaskNumbers {
  readonly #children: TaskChildren;

  constructor(children: TaskChildren) {
    this.#children = children;
  }

  asked(): void {
    this.#children.pending.inc();
  }

  /** A task worker has answered. */
  answered(waited: number, ran: number): void {
    this.#children.wait.observe(waited / 1_000);
    this.#children.run.observe(ran / 1_000);
  }

  completed(): void {
    this.#children.pending.dec();
    this.#children.completed.inc();
  }

  failed(error: unknown): void {
    this.#children.pending.dec();
    this.#children.failed.inc();
    this.#children.failedWith(codeOf(error));
  }
}

/** Which task a task worker runs, and since when. */
export class RunningNumbers {
  readonly #labels: (name: string) => GaugeChild;
  readonly #children = new Map<string, GaugeChild>();

  constructor(labels: (name: string) => GaugeChild) {
    this.#labels = labels;
  }

  began(name: string): void {
    this.#childOf(name).set(Date.now() / 1_000);
  }

  ended(name: string): void {
    this.#childOf(name).set(0);
  }

  #childOf(name: string): GaugeChild {
    let child = this.#children.get(name);
    if (child === undefined) {
      child = this.#labels(name);
      this.#children.set(name, child);
    }
    return child;
  }
}

/** Those without a name are for the handler of the event `task`. */
const taskLabel = (name: string) => (name === '' ? "on('task')" : name);

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && CODE.test(code) ? code : 'other';
}
