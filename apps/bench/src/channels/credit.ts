/** Back-pressure for mechanisms that have none of their own: so many messages under way, and a wait for room. */
export class Credit {
  readonly #limit: number;
  #used = 0;
  #resume: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** One more is under way; false when that is as many as may be. */
  take(): boolean {
    return ++this.#used < this.#limit;
  }

  give(count: number): void {
    this.#used -= count;
    if (this.#resume === undefined || this.#used > this.#limit / 2) return;
    const resume = this.#resume;
    this.#resume = undefined;
    resume();
  }

  /** Until half of it is free. */
  available(): Promise<void> {
    if (this.#used <= this.#limit / 2) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}
