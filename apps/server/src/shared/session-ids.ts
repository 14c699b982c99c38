import type { SessionId, Unchecked } from '../contract/ids.js';
/**
 * Gives out session ids: ascending, never one twice, and none whose slot in the table of connections is taken by a
 * session that has stayed while all others went round. With a `step`, those that leave the remainder of the first one:
 * in base mode each worker gives out its own.
 */
export class SessionIds {
  readonly #taken: Uint8Array;
  readonly #step: number;
  #last: number;

  constructor(capacity: number, first: number, step = 1) {
    this.#taken = new Uint8Array(capacity);
    this.#step = step;
    this.#last = first - step;
  }

  /** The id given out last; one step below the first when there was none. */
  get last(): SessionId {
    return this.#last as SessionId;
  }

  /** There are more slots than sessions at once, so a free one is near. */
  next(): SessionId {
    do this.#last += this.#step;
    while (this.#taken[this.#last % this.#taken.length] === 1);
    this.#taken[this.#last % this.#taken.length] = 1;
    return this.#last as SessionId;
  }

  /** The session is closed, and its slot is free. */
  release(session: Unchecked<SessionId>): void {
    this.#taken[session % this.#taken.length] = 0;
  }
}
