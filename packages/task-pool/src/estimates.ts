/** Microseconds for a task that has never been run: nothing is sent ahead behind it. */
export const UNKNOWN = 1e6;
/** Names that are kept; beyond, the oldest is forgotten, and is unknown again. */
const MAX_NAMES = 1_024;
/** Part of the way from the old estimate to a lower figure. */
const TOWARDS = 1 / 4;

/**
 * How long tasks of each name run: rises to a slow run at once and falls slowly, so that a name must have been quick
 * for many runs in a row before anything is sent ahead behind one of its tasks.
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
    const estimate =
      old === undefined || microseconds > old ? microseconds : old + (microseconds - old) * TOWARDS;
    this.#microseconds.set(name, estimate);
  }
}
