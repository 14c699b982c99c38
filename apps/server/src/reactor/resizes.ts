import type { WorkerId } from '../contract/ids.js';
import { ADOPT, LAST, pieceAux } from '../links/packet.js';
import type { Client, ClientLink } from './client.js';
import type { ClientCommands } from './client-commands.js';
import { unhold } from './http/handing-over.js';
import type { HttpClient } from './http/http-client.js';
import type { WorkerDeaths } from './http/worker-deaths.js';
import { moveOwner } from './owner-moves.js';
import { PAUSE_MOVES } from './pause-reasons.js';
import type { ReactorContext } from './reactor-context.js';

/**
 * Scales a server down and up, in one reactor thread. A worker that goes gets LAST behind what was sent to it. Its clients are others' from
 * then on: where the messages of a client keep their order, it is not read from until the worker before has done what it had, so that none
 * overtakes another. Clients of a program's own servers stay with the process until each is between two requests: see
 * http/retirements.ts.
 *
 *   RESIZE → LAST to those that go, and their clients have other workers → WORKER_GONE: what lay before it has been read → they go on
 *
 * When workers come no client moves: they get new ones, and what the dispatch mode gives them of each message.
 */
export class Resizes {
  readonly #context: ReactorContext;
  readonly #deaths: WorkerDeaths;
  readonly #commands: ClientCommands;

  constructor(context: ReactorContext, deaths: WorkerDeaths, commands: ClientCommands) {
    this.#context = context;
    this.#deaths = deaths;
    this.#commands = commands;
  }

  /** So many workers, the first ones, get something from now on. */
  resize(count: number): void {
    const { clients, dispatcher, out } = this.#context;
    const leaving = dispatcher.workers.slice(count);
    dispatcher.resize(count);
    for (const worker of leaving) {
      worker.leaving = true;
      worker.channel.send(out.set(LAST, 0));
    }
    if (leaving.length === 0) return;
    for (const client of clients.all()) if (client.http === undefined) this.#leave(client);
  }

  /** Another process has the place of a worker that goes: the one before may have read that already. */
  introduced(worker: ClientLink): void {
    if (worker.leaving) worker.channel.send(this.#context.out.set(LAST, 0));
  }

  /** What had been sent to that worker has been read, or no process will read it: `lost`. */
  gone(id: WorkerId, lost: boolean): void {
    const worker = this.#context.workers[id];
    if (worker === undefined) return;
    // What it has sent before it gave its place up counts.
    worker.channel.deliverNow();
    this.#commands.flush();
    if (lost) this.#deaths.emptied(worker);
    this.#deaths.isBack(worker);
    worker.leaving = false;
    for (const client of this.#context.clients.all()) {
      if (client.http === undefined) this.#goOn(client, worker);
      else this.#goOnServed(client.http, worker);
      // Nobody is left who could say that it has nothing more to send.
      if (client.awaits(worker)) this.#commands.ended(client, worker.peer);
    }
    worker.replaced();
    this.#context.resetLink(worker.peer);
  }

  #leave(client: Client): void {
    const { dispatcher, out } = this.#context;
    const before = client.owner;
    if (before.leaving) {
      moveOwner(this.#context, client);
      client.knows(before);
      unhold(client, before);
      client.owner.channel.send(out.set(ADOPT, client.session, 0, client.listener).with(client.address));
    }
    if (dispatcher.keepsOrder && client.isKnownToLeaving) client.pauseFor(PAUSE_MOVES);
  }

  #goOn(client: Client, worker: ClientLink): void {
    client.forgets(worker);
    if (client.isPausedFor(PAUSE_MOVES) && !client.isKnownToLeaving) client.resumeFor(PAUSE_MOVES);
  }

  /** Those that were its own when it gave its place up have had another worker since then. */
  #goOnServed(client: HttpClient, worker: ClientLink): void {
    if (client.owner === worker) moveOwner(this.#context, client);
    client.forgetVisit(worker);
    if (client.at !== worker) return;
    client.at = client.owner;
    unhold(client, worker);
    if (client.via !== undefined || client.dropped) return;
    const aux = pieceAux(client.sent, 0);
    client.at.channel.send(
      this.#context.out.set(ADOPT, client.session, aux, client.listener).with(client.address),
    );
  }
}
