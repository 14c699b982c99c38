/** Bounds of delays in milliseconds: each 2^(1/8) times the one before, so that what is told is right within a tenth. */
const PER_OCTAVE = 8;
const LEAST_MS = 0.25;
const BUCKETS = 18 * PER_OCTAVE + 2;
/** Longer ones are told as this: of a process that was stopped for a day there is no more to tell. */
const MOST_MS = 60_000;
/** Delays of so many seconds are remembered, and of as many before them at most. */
const WINDOW_MS = 5_000;

/** How late a loop was lately. Each delay counts as often as it would have been met by one who comes each `everyMs`. */
export class LoopDelay {
  readonly #everyMs: number;
  #counts = new Uint32Array(BUCKETS);
  #before = new Uint32Array(BUCKETS);
  #since = Number.NEGATIVE_INFINITY;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /**
   * The loop was late by `delay`, at `now`. Who would have come while it was, would have waited for what was left: without these a loop that
   * stands for a second would have been late once, and not fifty times.
   */
  record(delay: number, now: number, observe: (delay: number) => void): void {
    if (now - this.#since > WINDOW_MS) this.#turn(now);
    const first = Math.min(delay, MOST_MS);
    for (let left = first; left > 0 || left === first; left -= this.#everyMs) {
      const bucket = bucketOf(left);
      this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
      observe(left);
    }
  }

  /** Of a hundred that come, ninety-nine wait no longer; 0 where none was met. */
  p99(): number {
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#of(bucket);
    let beyond = Math.floor(total / 100);
    for (let bucket = BUCKETS - 1; bucket > 0; bucket--) {
      beyond -= this.#of(bucket);
      if (beyond < 0) return boundOf(bucket);
    }
    return 0;
  }

  #of(bucket: number): number {
    return (this.#counts[bucket] as number) + (this.#before[bucket] as number);
  }

  #turn(now: number): void {
    const isOld = now - this.#since > 2 * WINDOW_MS;
    [this.#before, this.#counts] = [this.#counts, this.#before];
    this.#counts.fill(0);
    if (isOld) this.#before.fill(0);
    this.#since = now;
  }
}

function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0;
  return Math.min(BUCKETS - 1, 1 + Math.floor(Math.log2(ms / LEAST_MS) * PER_OCTAVE));
}

/** The upper bound of a bucket. */
const boundOf = (bucket: number) => LEAST_MS * 2 ** (bucket / PER_OCTAVE);
