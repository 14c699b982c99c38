/** Functions that run once, first come, first run. What is deferred while they run waits for the next time. */
export class DeferredQueue {
  #waiting: (() => void)[] = [];
  /** What runs, or ran last: emptied, it is used again. */
  #running: (() => void)[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  push(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Runs what waits; one that throws is reported to `failed` and stops no other. */
  run(failed: (error: unknown) => void): void {
    if (this.#waiting.length === 0) return;
    const running = this.#waiting;
    this.#waiting = this.#running;
    this.#running = running;
    for (const callback of running) {
      try {
        callback();
      } catch (error) {
        failed(error);
      }
    }
    running.length = 0;
  }

  /** Forgets what waits, and what is about to run. */
  clear(): void {
    this.#waiting.length = 0;
    this.#running.length = 0;
  }
}
