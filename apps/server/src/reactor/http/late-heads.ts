import type { Reactor } from '@millrace/reactor';
import type { HttpClient } from './http-client.js';

/** Milliseconds that a head is waited for until it goes to the worker as it is, whose time-outs it is for. */
const WHOLE_WITHIN_MS = 250;

/** Clients that have sent the beginning of a head, and not yet the rest: what is kept of it is let go after a time. */
export class LateHeads {
  readonly #reactor: Reactor;
  /** In the order in which they began. */
  readonly #waiting = new Set<HttpClient>();
  #timer = 0;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** A head of `client` is kept. */
  add(client: HttpClient): void {
    if (client.keptSince > 0) return;
    client.keptSince = performance.now();
    this.#waiting.add(client);
    this.#arm();
  }

  /** None is kept any more. */
  forget(client: HttpClient): void {
    if (client.keptSince === 0) return;
    client.keptSince = 0;
    this.#waiting.delete(client);
  }

  #arm(): void {
    const [first] = this.#waiting;
    if (this.#timer !== 0 || first === undefined) return;
    const left = Math.max(1, first.keptSince + WHOLE_WITHIN_MS - performance.now());
    this.#timer = this.#reactor.timers.after(left, () => {
      this.#timer = 0;
      this.#letGo();
      this.#arm();
    });
  }

  #letGo(): void {
    const before = performance.now() - WHOLE_WITHIN_MS;
    for (const client of this.#waiting) {
      if (client.keptSince > before) return;
      this.forget(client);
      client.cutter.hurry();
      client.connection.recut();
    }
  }
}
