import type { CounterChild, GaugeChild, HistogramChild } from '@millrace/metrics';
import { codeOf } from './error-code.js';
import { TASK_SECONDS } from './labelled.js';

/**
 * Milliseconds for which what happens to tasks is counted in this process alone. A task costs 2 microseconds; counting it in memory that
 * all processes share would cost a fifth of that, and counting thousands at once costs nothing.
 */
const FLUSH_MS = 50;

export interface TaskChildren {
  readonly pending: GaugeChild;
  readonly wait: HistogramChild;
  readonly run: HistogramChild;
  readonly completed: CounterChild;
  readonly failed: CounterChild;
  readonly failedWith: (code: string) => void;
}

/** Of the tasks of one name that this process asks for. Times in milliseconds. A kill loses what was counted in the last {@link FLUSH_MS}. */
export class TaskNumbers {
  readonly #children: TaskChildren;
  readonly #wait = new Durations();
  readonly #run = new Durations();
  #pending = 0;
  #completed = 0;
  #failed = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #flush = () => this.flush();

  constructor(children: TaskChildren) {
    this.#children = children;
  }

  asked(): void {
    this.#pending++;
    this.#changed();
  }

  /** A task worker has answered. */
  answered(waited: number, ran: number): void {
    this.#wait.record(waited / 1_000);
    this.#run.record(ran / 1_000);
  }

  completed(): void {
    this.#pending--;
    this.#completed++;
    this.#changed();
  }

  failed(error: unknown): void {
    this.#pending--;
    this.#failed++;
    this.#children.failedWith(codeOf(error));
    this.#changed();
  }

  /** Counts in the memory that all processes share what was counted here since the last time. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { pending, wait, run, completed, failed } = this.#children;
    pending.set(this.#pending);
    if (this.#completed > 0) completed.inc(this.#completed);
    if (this.#failed > 0) failed.inc(this.#failed);
    this.#completed = 0;
    this.#failed = 0;
    this.#wait.moveTo(wait);
    this.#run.moveTo(run);
  }

  #changed(): void {
    this.#timer ??= setTimeout(this.#flush, FLUSH_MS).unref();
  }
}

/** Seconds, by the buckets that they lie in. */
class Durations {
  readonly #counts = new Uint32Array(TASK_SECONDS.length + 1);
  #count = 0;
  #sum = 0;

  record(seconds: number): void {
    let bucket = 0;
    while (bucket < TASK_SECONDS.length && seconds > (TASK_SECONDS[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sum += seconds;
  }

  moveTo(histogram: HistogramChild): void {
    if (this.#count === 0) return;
    histogram.add(this.#counts, this.#sum);
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
  }
}
