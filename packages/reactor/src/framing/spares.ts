/** Objects that are kept for the next who needs one. */
const MOST_SPARE = 64;

/** Makes objects where none is left over from somebody who needs it no more; keeps 64 of those at most. */
export class Spares<T> {
  readonly #make: () => T;
  readonly #spare: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): T {
    return this.#spare.pop() ?? this.#make();
  }

  /** `item` is as a new one would be. */
  give(item: T): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(item);
  }
}
