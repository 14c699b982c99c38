/** Below this many microseconds polling is not worth its clock. */
const LEAST = 1;
/** Most wakings that pass before polling is tried again. */
const MAX_INTERVAL = 1_024;

/**
 * How long the owner of a doorbell polls for work before it sleeps: between nothing and `most` microseconds, by what
 * polling has brought. All times are in microseconds.
 *
 * Where two ends have to share a processor, the polling end keeps the other from answering. So each poll in vain doubles the
 * wakings that pass before the next try, and only a find brings that interval back to one. Where processors are short, which
 * shows in a poll that takes far longer than it should, the interval is the longest.
 */
export class SpinBudget {
  readonly most: number;
  #budget: number;
  #interval = 1;
  #wakings = 0;

  constructor(most: number) {
    this.most = most;
    this.#budget = most;
  }

  /** To poll for now; 0: sleep at once. */
  get budget(): number {
    return this.#budget;
  }

  /** Work came while it polled. */
  found(): void {
    this.#budget = Math.min(this.most, Math.max(2 * this.#budget, LEAST));
    this.#interval = 1;
  }

  /** It polled in vain. */
  missed(): void {
    this.#budget /= 2;
    if (this.#budget >= LEAST) return;
    this.#budget = 0;
    this.#wakings = 0;
    this.#interval = Math.min(2 * this.#interval, MAX_INTERVAL);
  }

  /** It lost the processor while it polled: others need it, and so perhaps does the end that it waits for. */
  preempted(): void {
    this.#budget = 0;
    this.#wakings = 0;
    this.#interval = MAX_INTERVAL;
  }

  /** It was woken after `slept`: had it polled for that long, it would have been there in time. */
  woken(slept: number): void {
    if (slept >= this.most) return;
    if (this.#budget > 0 || ++this.#wakings >= this.#interval)
      this.#budget = Math.min(this.most, Math.max(2 * slept, this.#budget));
  }
}
