/**
 * Gives out session ids: ascending, never one twice, and none whose slot in the table of connections is taken by a
 * session that has stayed while all others went round.
 */
export class SessionIds {
  readonly #taken: Uint8Array;
  #last: number;

  constructor(capacity: number, first: number) {
    this.#taken = new Uint8Array(capacity);
    this.#last = first - 1;
  }

  /** The id given out last; one below the first when there was none. */
  get last(): number {
    return this.#last;
  }

  /** There are more slots than sessions at once, so a free one is near. */
  next(): number {
    do this.#last++;
    while (this.#taken[this.#last % this.#taken.length] === 1);
    this.#taken[this.#last % this.#taken.length] = 1;
    return this.#last;
  }

  /** The session is closed, and its slot is free. */
  release(session: number): void {
    this.#taken[session % this.#taken.length] = 0;
  }
}
