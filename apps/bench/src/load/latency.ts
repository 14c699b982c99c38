/** Latencies are counted in steps of so many microseconds, */
const STEP_US = 2;
/** up to so many steps: 200 ms. What is beyond counts as that. */
const STEPS = 100_000;
const US_PER_MS = 1_000;

/** Counts latencies without keeping them. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(STEPS);
  #total = 0;

  record(milliseconds: number): void {
    const step = Math.min(STEPS - 1, Math.floor((milliseconds * US_PER_MS) / STEP_US));
    this.#counts[step]!++;
    this.#total++;
  }

  /** The latency that `share` (0 to 1) of all stay below, in microseconds; 0 when there are none. */
  percentile(share: number): number {
    let left = this.#total * share;
    if (left === 0) return 0;
    for (let step = 0; step < STEPS; step++) {
      left -= this.#counts[step]!;
      if (left <= 0) return (step + 1) * STEP_US;
    }
    return STEPS * STEP_US;
  }
}
