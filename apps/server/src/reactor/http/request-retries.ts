import { END, PIECE_BEGINS, PIECE_ENDS, pieceAux, RECEIVE } from '../../links/packet.js';
import { progressRequest } from '../../shared/connection-layout.js';
import { GIVEN_UP, RETRIED } from '../../shared/counters-layout.js';
import type { ClientLink } from '../client.js';
import type { ReactorContext } from '../reactor-context.js';
import { isAfter } from './fate.js';
import { goOn, unhold } from './handing-over.js';
import type { HttpClient } from './http-client.js';
import { type KeptRequest, nameOf } from './kept-requests.js';

/** Gives requests that went down with a worker to another one: each once, and none that has ended two. */
export class RequestRetries {
  readonly #context: ReactorContext;
  readonly #isAway: (worker: ClientLink) => boolean;

  /** `isAway`: whether that worker has died, and the next one takes nothing yet. */
  constructor(context: ReactorContext, isAway: (worker: ClientLink) => boolean) {
    this.#context = context;
    this.#isAway = isAway;
  }

  /**
   * Makes new ones of the requests of `client` that have no answer: they get the next numbers. False: they are not to be sent
   * again. What still lies unread before the process that comes is older by that, and dropped there: a request
   * behind one that is sent again must not be answered before it.
   */
  renew(client: HttpClient): boolean {
    const kept = client.kept?.between(client.answered, client.sent);
    if (kept === undefined || client.isOpaque || client.inside || client.waiting !== undefined) return false;
    const taken = progressRequest(this.#context.table.progress(client.session));
    const guilty = kept.find(({ request, deaths }) => deaths > 0 && !isAfter(request, taken));
    if (guilty !== undefined) {
      this.#giveUp(client, guilty);
      return false;
    }
    for (const one of kept) if (!isAfter(one.request, taken)) one.deaths++;
    // Its worker, which alone writes that, is dead.
    this.#context.table.setProgress(client.session, client.sent);
    client.answered = client.sent;
    for (const one of kept) one.request = client.cutter.again(one.isHead);
    this.#context.count(RETRIED, 1);
    return true;
  }

  /** Sends the requests that were renewed to a worker that lives, or to the one that takes the place of the dead one. */
  giveToAnother(client: HttpClient, dead: ClientLink): void {
    const worker = this.#otherThan(dead, client);
    goOn(client);
    if (worker !== dead) {
      client.moveTo(worker, false);
      client.moveEnding(dead, worker);
      unhold(client, dead);
    }
    this.send(client);
    if (worker !== dead && client.awaits(worker))
      worker.channel.send(this.#context.out.set(END, client.session, 0, client.listener));
  }

  /** Sends them to the process that has the client. */
  send(client: HttpClient): void {
    const { dispatcher, out } = this.#context;
    const { session, listener, link } = client;
    for (const { request, bytes } of client.kept?.between(client.answered, client.cutter.request) ?? []) {
      client.sent = request;
      const aux = pieceAux(request, PIECE_BEGINS | PIECE_ENDS);
      dispatcher.send(client, link, out.set(RECEIVE, session, aux, listener).with(bytes));
    }
  }

  #otherThan(dead: ClientLink, client: HttpClient): ClientLink {
    const { dispatcher } = this.#context;
    if (dispatcher.isBinding || client.isBound) return dead;
    let best = dead;
    for (const worker of dispatcher.workers) {
      if (worker === dead || this.#isAway(worker) || !worker.writable) continue;
      if (best === dead || worker.underWay < best.underWay) best = worker;
    }
    return best;
  }

  #giveUp(client: HttpClient, guilty: KeptRequest): void {
    this.#context.count(GIVEN_UP, 1);
    const { session, peer } = client;
    this.#context.log(
      'given-up',
      `${nameOf(guilty)}, of session ${session} from ${peer.host || 'a unix socket'}, has ended two workers: it is answered 502 and given to no other`,
    );
  }
}
