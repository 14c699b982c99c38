/** How long something took, in milliseconds; all 0 while `count` is 0. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  /** Half took at most this long, to within 1/32. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** The longest, exact. */
  readonly max: number;
}

/** Buckets between two powers of two; a bucket is 1/32 of its value wide, and one microsecond at least. */
const STEPS = 32;
const STEP_BITS = 5;
const MICROSECONDS = 1_000;
/** Largest value with a bucket of its own: 35 minutes. What is longer is counted there. */
const MAX_TICKS = 2 ** 31 - 1;
const BUCKETS = (31 - STEP_BITS + 1) * STEPS;

/** A log-linear histogram of microseconds: 864 counters, whatever happens; recording allocates nothing. */
export class DurationHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** All of it, in milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  record(ms: number): void {
    const ticks = ms * MICROSECONDS;
    this.#counts[bucketOf(ticks < MAX_TICKS ? ticks | 0 : MAX_TICKS)]!++;
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  summary(): Distribution {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#quantile(0.5),
      p90: this.#quantile(0.9),
      p99: this.#quantile(0.99),
      p999: this.#quantile(0.999),
      max: this.#max,
    };
  }

  #quantile(part: number): number {
    const rank = Math.ceil(this.#count * part);
    if (rank === 0) return 0;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(upperBound(bucket) / MICROSECONDS, this.#max);
    }
    return this.#max;
  }
}

function bucketOf(ticks: number): number {
  if (ticks < STEPS) return ticks;
  const shift = 31 - Math.clz32(ticks) - STEP_BITS;
  return (shift << STEP_BITS) + (ticks >>> shift);
}

/** The first number of ticks that is beyond `bucket`. */
function upperBound(bucket: number): number {
  if (bucket < STEPS) return bucket + 1;
  const shift = (bucket >> STEP_BITS) - 1;
  return ((bucket & (STEPS - 1)) + STEPS + 1) * 2 ** shift;
}
