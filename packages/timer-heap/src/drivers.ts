import { MAX_WAIT_MS } from './constants.js';

/**
 * What wakes a heap up. A heap has at most one wake-up armed, for its earliest deadline.
 *
 * A driver may fire early or for nothing: the heap reads its clock and arms what is left. It must not fire inside
 * `arm`, and one driver serves one heap.
 */
export interface TimerDriver {
  /**
   * Calls `fire` once, in `delayMs` or later, in place of what was armed. `delayMs` is an integer from 1 to 2^31 - 1;
   * `fire` is the same function each time and does not throw.
   */
  arm(delayMs: number, fire: () => void): void;
  /** Forgets what is armed; idempotent. */
  disarm(): void;
  /** From here on, what is armed and what will be keeps the process alive. So it is in the beginning. */
  ref(): void;
  /** From here on, what is armed and what will be does not keep the process alive. */
  unref(): void;
}

/** What `setTimeout` returns: an object with these in Node, a number in browsers. */
type TimeoutHandle = ReturnType<typeof setTimeout> & { ref?(): unknown; unref?(): unknown };

/** The default driver: one `setTimeout` at a time. In browsers `ref` and `unref` do nothing. */
export class TimeoutDriver implements TimerDriver {
  #handle: TimeoutHandle | undefined;
  #referenced = true;

  arm(delayMs: number, fire: () => void): void {
    clearTimeout(this.#handle);
    this.#handle = setTimeout(fire, Math.min(delayMs, MAX_WAIT_MS));
    if (!this.#referenced) this.#handle.unref?.();
  }

  disarm(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  ref(): void {
    this.#referenced = true;
    this.#handle?.ref?.();
  }

  unref(): void {
    this.#referenced = false;
    this.#handle?.unref?.();
  }
}
