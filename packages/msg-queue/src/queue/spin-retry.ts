/** A wait costs a processor 10 to 15 µs, a vain poll less than half of one: so many polls are worth their time. */
const MOST = 32;
const LEAST = 1;

/**
 * Polls before a wait: as many times as a wait costs while polling finds something, next to none while it does not, when the
 * other side is not about to send or to read.
 */
export class SpinRetry {
  #count = LEAST;

  /** Calls `attempt` until it gives something else than `nothing`; that, or `nothing` after the last try. */
  try<T, N extends T>(attempt: () => T, nothing: N): T {
    for (let left = this.#count; left > 0; left--) {
      const found = attempt();
      if (found === nothing) continue;
      this.#count = Math.min(MOST, this.#count * 2);
      return found;
    }
    this.#count = Math.max(LEAST, this.#count >> 1);
    return nothing;
  }
}
