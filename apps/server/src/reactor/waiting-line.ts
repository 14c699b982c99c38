import { PAUSE_WORKER, type Pausable } from './pause-reasons.js';

/** Clients that are let go in one turn. */
const RELEASED_AT_ONCE = 8;

/**
 * Clients that wait for workers to have room, first come first served. Who is let go has one turn, during which those
 * behind it and those that come now stay out; where there is no room for it after all, it is the first one again.
 */
export class WaitingLine {
  /** Let go before, and found no room. */
  readonly #again = new Set<Pausable>();
  readonly #waiting = new Set<Pausable>();
  /** Whose turn it is. */
  readonly #turns = new Set<Pausable>();
  readonly #hasRoom: () => boolean;
  readonly #defer: (callback: () => void) => void;
  readonly #releaseMore = () => {
    this.#releasing = false;
    this.release();
  };
  #releasing = false;

  /** `hasRoom`: whether a message can be taken now. `defer` runs a function at the end of this turn, or of the next. */
  constructor(hasRoom: () => boolean, defer: (callback: () => void) => void) {
    this.#hasRoom = hasRoom;
    this.#defer = defer;
  }

  /** Whether `client` may send a message now; if not, it is not read from until it may. */
  admits(client: Pausable): boolean {
    if (this.#hasRoom() && (this.empty || this.#turns.has(client))) return true;
    this.hold(client);
    return false;
  }

  hold(client: Pausable): void {
    if (this.#turns.delete(client)) this.#again.add(client);
    else if (!this.#again.has(client)) this.#waiting.add(client);
    client.pauseFor(PAUSE_WORKER);
  }

  forget(client: Pausable): void {
    this.#again.delete(client);
    this.#waiting.delete(client);
    this.#turns.delete(client);
  }

  /** There is room. Some are let go in each turn: more would fill it at once, for two system calls each. */
  release(): void {
    this.#turns.clear();
    let left = RELEASED_AT_ONCE;
    for (const line of [this.#again, this.#waiting]) {
      for (const client of line) {
        // A worker without room by then drains once more, and comes back here.
        if (!this.#hasRoom()) return;
        if (left-- === 0) return this.#releaseSoon();
        line.delete(client);
        this.#turns.add(client);
        client.resumeFor(PAUSE_WORKER);
      }
    }
  }

  /** No client waits. */
  get empty(): boolean {
    return this.#waiting.size === 0 && this.#again.size === 0;
  }

  #releaseSoon(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    this.#defer(this.#releaseMore);
  }
}
