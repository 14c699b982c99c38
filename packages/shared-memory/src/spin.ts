/** Below this many microseconds looking again is not worth its clock. */
const LEAST = 1;

/**
 * How long an owner of a doorbell looks for work before it sleeps: between nothing and `most` microseconds, by what
 * looking has brought. All times are in microseconds.
 */
export class SpinBudget {
  readonly most: number;
  #budget: number;

  constructor(most: number) {
    this.most = most;
    this.#budget = most;
  }

  /** To look for now; 0: sleep at once. */
  get budget(): number {
    return this.#budget;
  }

  /** Work came while it looked. */
  found(): void {
    this.#budget = Math.min(this.most, Math.max(2 * this.#budget, LEAST));
  }

  /** It looked in vain. */
  missed(): void {
    this.#budget /= 2;
    if (this.#budget < LEAST) this.#budget = 0;
  }

  /** It was woken after `slept`: had it looked for `most`, it would have been there in time. */
  woken(slept: number): void {
    if (slept < this.most) this.found();
  }
}
