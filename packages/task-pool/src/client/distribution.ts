import { createHistogram } from 'node:perf_hooks';

/** How long something took, in milliseconds; all 0 while `count` is 0. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  /** Half took at most this long, to within 1/100. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** The longest, exact. */
  readonly max: number;
}

const MICROSECONDS = 1_000;
/** The longest duration that is told apart: 12 days. Longer ones count as this. */
const HIGHEST = 2 ** 40;

/** A histogram of durations in microseconds. */
export class DurationHistogram {
  readonly #histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 2 });
  #count = 0;
  #sum = 0;
  #max = 0;

  /** All of it, in milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  record(ms: number): void {
    // It counts whole numbers from 1.
    this.#histogram.record(Math.min(Math.max(1, Math.ceil(ms * MICROSECONDS)), HIGHEST));
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  summary(): Distribution {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#quantile(50),
      p90: this.#quantile(90),
      p99: this.#quantile(99),
      p999: this.#quantile(99.9),
      max: this.#max,
    };
  }

  #quantile(percent: number): number {
    if (this.#count === 0) return 0;
    return Math.min(this.#histogram.percentile(percent) / MICROSECONDS, this.#max);
  }
}
