import type { SessionId } from '../contract/ids.js';
import { pieceAux, RELEASE } from '../links/packet.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { SessionLink } from '../sockets/session-link.js';

/**
 * Connections of a process that another has replaced: each is offered to that one when it is between two requests. Where the next
 * request is on its way here by then, the offer comes to nothing, and it is made again after the answer.
 */
export class Releases {
  readonly #gateway: SessionGateway;
  readonly #soon = new Set<SessionLink>();
  /** Offered, and without a socket here. */
  readonly #given = new Set<SessionId>();

  constructor(gateway: SessionGateway) {
    this.#gateway = gateway;
  }

  /** Connections that this process has no socket for, and the next has not taken yet. */
  get pending(): number {
    return this.#given.size;
  }

  /** Offers the connection, once what is going on is over. */
  soon(link: SessionLink): void {
    if (this.#soon.size === 0) setImmediate(() => this.#offerAll());
    this.#soon.add(link);
  }

  #offerAll(): void {
    const links = [...this.#soon];
    this.#soon.clear();
    for (const link of links) if (link.isBetween) this.#offer(link.session, link.ledger?.taken ?? 0);
  }

  /** Offers a connection that this process has no socket for, of which it and those before it have taken so many requests. */
  give(id: SessionId, taken: number): void {
    this.#given.add(id);
    this.#offer(id, taken);
  }

  /** It is another process's, or closed, or has got a socket here. */
  over(id: SessionId): void {
    this.#given.delete(id);
  }

  #offer(id: SessionId, taken: number): void {
    this.#gateway.tell(id, RELEASE, pieceAux(taken, 0));
  }
}
