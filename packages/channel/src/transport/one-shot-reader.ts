/** In the place of a message, which may be undefined itself. */
export const NOTHING: unique symbol = Symbol('nothing');

/** Takes one message in a listener's place, and gives it out again. */
export class OneShotReader<T> {
  #value: T | typeof NOTHING = NOTHING;
  readonly keep = (value: T): void => {
    this.#value = value;
  };

  get empty(): boolean {
    return this.#value === NOTHING;
  }

  /** The message that was taken, or `NOTHING`; it is kept no longer. */
  take(): T | typeof NOTHING {
    const value = this.#value;
    this.#value = NOTHING;
    return value;
  }
}
