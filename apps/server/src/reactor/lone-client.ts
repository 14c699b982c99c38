/** Shares that a client may have under way while no other one sends. */
const MOST_SHARES = 32;
/** Milliseconds within which a worker takes what it was asked about, for the next share to be larger; */
const QUICK_MS = 1;
/** and from which on it is smaller again. */
const SLOW_MS = 4;
/** Milliseconds without a message of another client before the share grows: one that waits for each answer sends sooner. */
const ALONE_MS = 5;

/**
 * How much the client that is the only one to send to a worker may have under way. Each wait for the worker costs two
 * wake-ups, so its share is doubled each time that the worker has quickly taken what it was asked about: who comes next
 * then waits no longer than that. When another one sends, all have one share again.
 */
export class LoneClient {
  readonly #now: () => number;
  #shares = 1;
  /** Who has sent last. */
  #latest: object | undefined;
  /** The question whose answer is timed, where one is. */
  #timed: number | undefined;
  #askedAt = 0;
  /** When the worker was first asked since another client has sent; undefined until then. */
  #aloneSince: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Shares of the client that `flow` belongs to. */
  shares(flow: object): number {
    return flow === this.#latest ? this.#shares : 1;
  }

  /** A message of `flow` is sent. True: the one before had more than one share, which it has no more. */
  sends(flow: object): boolean {
    if (flow === this.#latest) return false;
    const had = this.#shares;
    this.#latest = flow;
    this.#shares = 1;
    this.#timed = this.#aloneSince = undefined;
    return had > 1;
  }

  /** The worker is asked whether it has taken message `number`. */
  asked(number: number): void {
    if (this.#timed !== undefined) return;
    this.#timed = number;
    this.#askedAt = this.#now();
    this.#aloneSince ??= this.#askedAt;
  }

  /** The worker has taken message `number`. True: the share is smaller now. */
  taken(number: number): boolean {
    if (number !== this.#timed || this.#aloneSince === undefined) return false;
    this.#timed = undefined;
    const took = this.#now() - this.#askedAt;
    if (took < QUICK_MS && this.#askedAt - this.#aloneSince >= ALONE_MS)
      this.#shares = Math.min(2 * this.#shares, MOST_SHARES);
    if (took < SLOW_MS || this.#shares === 1) return false;
    this.#shares /= 2;
    return true;
  }

  /** The worker is another one. */
  reset(): void {
    this.#latest = this.#timed = this.#aloneSince = undefined;
    this.#shares = 1;
  }
}
