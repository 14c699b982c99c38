/** How late timers ran, in milliseconds. All 0 while `count` is 0. */
export interface Lateness {
  /** Half of the firings were at most this late, to within 1/16 (or 1/16 ms, if that is more). */
  readonly p50: number;
  /** 99 of 100 firings were at most this late, with the same precision. */
  readonly p99: number;
  /** The latest firing, exact. */
  readonly max: number;
  /** How many firings were measured: all of them. */
  readonly count: number;
}

/** Buckets between two powers of two; a bucket is 1/16 of its value wide. */
const STEPS = 16;
const STEP_BITS = 4;
/** One tick is this part of a millisecond; below 1 ms, buckets are one tick wide. */
const TICKS_PER_MS = 16;
/** Largest value that has a bucket of its own, 2^31 ticks: 1,553 days. What is later is counted there. */
const MAX_TICKS = 2 ** 31 - 1;
const BUCKETS = (31 - STEP_BITS + 1) * STEPS;

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

/** A log-linear histogram: 448 counters, whatever happens; recording allocates nothing. */
export class LatenessHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  /** Takes any number of milliseconds from 0. */
  record(ms: number): void {
    const ticks = ms * TICKS_PER_MS;
    this.#counts[bucketOf(ticks < MAX_TICKS ? ticks | 0 : MAX_TICKS)]!++;
    this.#count++;
    if (ms > this.#max) this.#max = ms;
  }

  summary(): Lateness {
    return { p50: this.#quantile(0.5), p99: this.#quantile(0.99), max: this.#max, count: this.#count };
  }

  #quantile(part: number): number {
    const rank = Math.ceil(this.#count * part);
    if (rank === 0) return 0;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(upperBound(bucket) / TICKS_PER_MS, this.#max);
    }
    return this.#max;
  }
}
