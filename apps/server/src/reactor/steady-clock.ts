/** Milliseconds that the two clocks may drift apart before a step of the wall clock is followed. */
const STEP_MS = 1_000;

/**
 * Milliseconds since 1970 by a clock that is never set: it begins with the wall clock and goes on with the monotonic one. What is
 * decided by how long something lasted goes by it. When the wall clock was set, `followStep` says by how much, so that times
 * that were taken before can be moved along with it.
 */
export class SteadyClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  #ahead: number;

  constructor(wall: () => number = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#ahead = wall() - monotonic();
  }

  now(): number {
    return Math.floor(this.#monotonic() + this.#ahead);
  }

  /** Milliseconds that this clock has now been moved by, to be added to every time that was taken from it; 0: none. */
  followStep(): number {
    const step = Math.round(this.#wall() - this.#monotonic() - this.#ahead);
    if (Math.abs(step) < STEP_MS) return 0;
    this.#ahead += step;
    return step;
  }
}
