/** A wait costs a processor 10 to 15 µs, a look in vain less than half of one: so many are worth trying first. */
const MOST = 32;
const LEAST = 1;

/**
 * How often to try again before waiting. As many as a wait costs while that helps, next to none while it does not: then the
 * other side is not about to be done.
 */
export class Looks {
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
