/** In the place of a message, which may be undefined itself. */
export const NOTHING: unique symbol = Symbol('nothing');

/** Catches one message on its way to a listener. */
export class Catch<T> {
  #value: T | typeof NOTHING = NOTHING;
  readonly keep = (value: T): void => {
    this.#value = value;
  };

  get empty(): boolean {
    return this.#value === NOTHING;
  }

  /** What was caught; it is kept no longer. */
  take(): T | typeof NOTHING {
    const value = this.#value;
    this.#value = NOTHING;
    return value;
  }
}
