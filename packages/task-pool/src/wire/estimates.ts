/** Microseconds for a task that has never been run: nothing is sent ahead behind it. */
export const UNKNOWN = 1e6;
/** Names that are kept; beyond that the oldest is forgotten. */
const MAX_NAMES = 1_024;
/** Weight of a new, lower figure. */
const TOWARDS = 1 / 4;
/** The factor by which one run can raise an estimate, and the microseconds that it can always reach. */
const MOST_RISE = 8;
const FLOOR = 8;

/**
 * How long tasks of each name run: rises fast and falls slowly. One slow run of a name that has been quick does not make
 * it slow: on a busy machine it is usually the scheduler's. Two or three do, and then it must have been quick many times
 * in a row before anything is sent ahead behind one of its tasks.
 */
export class Estimates {
  readonly #microseconds = new Map<string, number>();

  get(name: string): number {
    return this.#microseconds.get(name) ?? UNKNOWN;
  }

  observe(name: string, microseconds: number): void {
    const old = this.#microseconds.get(name);
    if (old === undefined && this.#microseconds.size >= MAX_NAMES) {
      for (const oldest of this.#microseconds.keys()) {
        this.#microseconds.delete(oldest);
        break;
      }
    }
    this.#microseconds.set(name, old === undefined ? microseconds : next(old, microseconds));
  }
}

function next(old: number, microseconds: number): number {
  if (microseconds <= old) return old + (microseconds - old) * TOWARDS;
  return Math.min(microseconds, Math.max(old, FLOOR) * MOST_RISE);
}
