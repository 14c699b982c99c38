/** Below this many microseconds looking again is not worth its clock. */
const LEAST = 1;
/** Most wakings that are let pass before looking is tried again. */
const MOST_PATIENCE = 1_024;

/**
 * How long an owner of a doorbell looks for work before it sleeps: between nothing and `most` microseconds, by what
 * looking has brought. All times are in microseconds.
 *
 * Where two ends have to share a processor, the one that looks keeps the other from answering. So each look in vain doubles the
 * wakings that pass before the next try, and only a find brings patience back to nothing. Where processors are short, which
 * shows in a look that takes far longer than looking does, as many pass as ever do.
 */
export class SpinBudget {
  readonly most: number;
  #budget: number;
  #patience = 1;
  #wakings = 0;

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
    this.#patience = 1;
  }

  /** It looked in vain. */
  missed(): void {
    this.#budget /= 2;
    if (this.#budget >= LEAST) return;
    this.#budget = 0;
    this.#wakings = 0;
    this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
  }

  /** It lost the processor while it looked: others need it, and so perhaps does the one that it looks for. */
  preempted(): void {
    this.#budget = 0;
    this.#wakings = 0;
    this.#patience = MOST_PATIENCE;
  }

  /** It was woken after `slept`: had it looked for that long, it would have been there in time. */
  woken(slept: number): void {
    if (slept >= this.most) return;
    if (this.#budget > 0 || ++this.#wakings >= this.#patience)
      this.#budget = Math.min(this.most, Math.max(2 * slept, this.#budget));
  }
}
