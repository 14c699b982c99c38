import { ADOPT, END, FORGET, type Packet, PacketError, pieceAux, RETIRED } from '../../links/packet.js';
import { CLOSING } from '../../shared/connection-layout.js';
import type { ClientLink } from '../client.js';
import { moveOwner } from '../owner-moves.js';
import { PAUSE_MOVES } from '../pause-reasons.js';
import type { ReactorContext } from '../reactor-context.js';
import { isAfter } from './fate.js';
import { goOn, unhold } from './handing-over.js';
import type { HttpClient } from './http-client.js';

/**
 * Workers that give their places up and finish what they have begun. The clients of such a process stay with it, by its aside
 * link, until each is between two requests; then it is the client of the process that has the place.
 *
 * Nothing is read of an aside link before RETIRE has come by the main link: what was sent there before that comes first.
 */
export class Retirements {
  readonly #context: ReactorContext;

  constructor(context: ReactorContext) {
    this.#context = context;
    for (const { channel } of context.asides) channel.pause();
  }

  /** That worker gives its place up. What is sent after RETIRED is for the next process. */
  retire(worker: ClientLink | undefined, { aux: pid }: Packet): void {
    const { asides, clients, out } = this.#context;
    const aside = worker && asides[worker.worker];
    if (worker === undefined || aside === undefined)
      throw new PacketError('A process retires that has no aside link.');
    worker.askTaken();
    for (const client of clients.all()) {
      // Whatever is to be told to that process from here on.
      client.moveWaiter(worker.peer, aside.peer);
      const { http } = client;
      if (http === undefined) continue;
      http.moveVisit(worker, aside);
      const isIts = http.link === worker;
      // No other process gets the place: what this one releases is another worker's.
      if (worker.leaving && http.at === worker) {
        if (http.owner === worker) moveOwner(this.#context, http);
        http.at = http.owner;
      }
      if (!isIts) continue;
      http.via = aside;
      client.moveEnding(worker, aside);
      unhold(client, worker);
    }
    worker.channel.send(out.set(RETIRED, 0, pid));
    aside.channel.send(out.set(RETIRED, 0, pid));
    aside.channel.resume();
  }

  /** A retired process has taken request `taken` of that client, and answered it: it needs that client no more. */
  release(client: HttpClient, peer: number, taken: number): void {
    const aside = client.via;
    if (aside?.peer !== peer) return this.#forget(client, peer);
    if (!isBetween(client, taken)) return;
    aside.channel.send(this.#context.out.set(FORGET, client.session, 0, client.listener));
    this.handBack(client, aside);
  }

  /** That process has had the client before, and another one has it by now. */
  #forget(client: HttpClient, peer: number): void {
    for (const link of client.visited)
      if (link.peer === peer) {
        client.forgetVisit(link);
        link.channel.send(this.#context.out.set(FORGET, client.session, 0, client.listener));
      }
  }

  /** The client is one of the process that has the place from here on, or of the one that will have it. */
  handBack(client: HttpClient, aside: ClientLink): void {
    const { out } = this.#context;
    const { at, session, listener } = client;
    client.via = undefined;
    client.moveEnding(aside, at);
    unhold(client, aside);
    goOn(client);
    const aux = pieceAux(client.sent, 0);
    at.channel.send(out.set(ADOPT, session, aux, listener).with(client.address));
    if (client.awaits(at)) at.channel.send(out.set(END, session, 0, listener));
    client.resumeFor(PAUSE_MOVES);
  }

  /** The retired process behind that link has ended, and nothing more comes of it: what was sent to it is no longer counted. */
  ended(aside: ClientLink): void {
    for (const client of this.#context.clients.all()) {
      const { http } = client;
      http?.forgetVisit(aside);
      if (http?.via !== aside) continue;
      http.via = undefined;
      unhold(client, aside);
      client.resumeFor(PAUSE_MOVES);
    }
    aside.forgive();
    this.#context.resetLink(aside.peer);
    aside.channel.pause();
  }
}

/** Whether nothing of a request or an answer is under way between that client and its process. */
function isBetween(client: HttpClient, taken: number): boolean {
  const { sent, inside, answered, begun, upgraded, isOpaque, outputEnded, dropped, resumable } = client;
  if (taken !== sent || inside || begun || outputEnded || dropped) return false;
  if (!resumable && (isAfter(sent, answered) || upgraded || isOpaque)) return false;
  return client.slot.state !== CLOSING && !client.isEnding;
}
