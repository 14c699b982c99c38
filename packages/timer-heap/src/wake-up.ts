import { MAX_WAIT_MS } from './constants.js';
import type { TimerDriver } from './drivers.js';

/**
 * The one wake-up that a heap has armed, and whether it keeps the process alive.
 *
 * It is not disarmed when its timer goes: it then comes for nothing and arms the next, which costs less than arming
 * anew at each `clear`. While there is no timer it does not know the heap, so that it keeps no unused heap in memory.
 */
export class WakeUp {
  /** What to do when it comes; undefined while there is no timer. */
  target: (() => void) | undefined;
  readonly #driver: TimerDriver | null;
  readonly #fire = () => {
    this.#at = Number.POSITIVE_INFINITY;
    this.target?.();
  };
  /** When it will come, in the heap's time; Infinity when none is armed. */
  #at = Number.POSITIVE_INFINITY;
  /** Timers that keep the process alive. */
  #references = 0;

  /** With `null` it never comes. */
  constructor(driver: TimerDriver | null) {
    this.#driver = driver;
  }

  /** Sees to it that it comes at `deadline` or before. */
  armFor(deadline: number, now: number): void {
    if (this.#driver === null || deadline >= this.#at) return;
    const delay = Math.min(Math.max(Math.ceil(deadline - now), 1), MAX_WAIT_MS);
    this.#at = Math.min(deadline, now + delay);
    this.#driver.arm(delay, this.#fire);
  }

  disarm(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#driver?.disarm();
  }

  addReference(): void {
    if (this.#references++ === 0) this.#driver?.ref();
  }

  dropReference(): void {
    if (--this.#references === 0) this.#driver?.unref();
  }
}
