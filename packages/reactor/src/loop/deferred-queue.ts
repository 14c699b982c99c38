/** Places that are kept for the next ones. */
const KEPT = 1_024;

type Callbacks = ((() => void) | undefined)[];

/**
 * Functions that run once, first come, first run. What is deferred while they run waits for the next time.
 *
 * Their number is counted: an array that is emptied by its length gives up its memory, in a call of the runtime for each turn.
 */
export class DeferredQueue {
  #waiting: Callbacks = [];
  #count = 0;
  /** What runs, or ran last: it is used again. */
  #running: Callbacks = [];
  #runningCount = 0;

  get length(): number {
    return this.#count;
  }

  push(callback: () => void): void {
    this.#waiting[this.#count++] = callback;
  }

  /**
   * Runs what waits; one that throws is reported to `failed` and stops no other. Where `failed` throws, that ends it, and what has not run
   * waits for the next time.
   */
  run(failed: (error: unknown) => void): void {
    if (this.#count === 0) return;
    const running = this.#waiting;
    this.#waiting = this.#running;
    this.#running = running;
    this.#runningCount = this.#count;
    this.#count = 0;
    let at = 0;
    try {
      while (at < this.#runningCount) {
        const callback = running[at];
        // What has run is not kept.
        running[at++] = undefined;
        try {
          callback?.();
        } catch (error) {
          failed(error);
        }
      }
    } finally {
      if (at < this.#runningCount) this.#putBack(running.slice(at, this.#runningCount));
      this.#runningCount = 0;
      if (running.length > KEPT) this.#running = [];
    }
  }

  /** `left` has not run: it is in front of what was deferred meanwhile. */
  #putBack(left: Callbacks): void {
    this.#waiting = [...left, ...this.#waiting.slice(0, this.#count)];
    this.#count = this.#waiting.length;
    this.#running = [];
  }

  /** Forgets what waits, and what is about to run. */
  clear(): void {
    this.#waiting = [];
    this.#running = [];
    this.#count = this.#runningCount = 0;
  }
}
