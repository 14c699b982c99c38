import type { ConnectionHandlers, StreamConnection } from '@millrace/reactor';
import * as packet from '../../links/packet.js';
import { HELD_BACK, RECEIVED_BYTES } from '../../shared/counters-layout.js';
import type { Client } from '../client.js';
import { PAUSE_MOVES, PAUSE_SHARE, PAUSE_UPGRADE } from '../pause-reasons.js';
import type { ReactorContext } from '../reactor-context.js';
import type { HttpClient } from './http-client.js';
import { HttpFramer } from './http-framer.js';
import { LateHeads } from './late-heads.js';
import { PIECE_SKIPPED } from './request-cutter.js';

type Handlers = ConnectionHandlers<Client, StreamConnection<Client>>;

/** Sends the requests of clients, piece by piece, each to the worker that has its connection. */
export class HttpInput {
  readonly framer: HttpFramer;
  readonly handlers: Handlers;
  readonly #context: ReactorContext;
  readonly #late: LateHeads;
  readonly #others: Handlers;

  /** `others`: what becomes of everything that is no request. */
  constructor(context: ReactorContext, others: Handlers) {
    this.#context = context;
    this.#others = others;
    this.#late = new LateHeads(context.reactor);
    this.framer = new HttpFramer(this.#late);
    this.handlers = {
      ...others,
      wantsFrame: ({ context: client }) => this.#wantsPiece(client as HttpClient),
      onFrame: ({ context: client }, memory, start, end) =>
        this.#piece(client as HttpClient, memory, start, end),
      onInputEnd: (connection) => this.#inputEnd(connection),
      onClose: (connection, reason, error) => {
        this.#late.forget(connection.context as HttpClient);
        others.onClose?.(connection, reason, error);
      },
    };
  }

  #wantsPiece(client: HttpClient): boolean {
    if (client.dropped) return true;
    if (client.waitsToMove) {
      client.pauseFor(PAUSE_MOVES);
      return false;
    }
    const { dispatcher } = this.#context;
    if (dispatcher.hasShareOfOwner(client)) return dispatcher.readyForOwner(client);
    this.#context.count(HELD_BACK, 1);
    client.pauseFor(PAUSE_SHARE);
    return false;
  }

  #piece(client: HttpClient, memory: Buffer, start: number, end: number): void {
    const { cutter } = client;
    const { request, flags } = cutter;
    if (client.dropped || flags === PIECE_SKIPPED) return;
    const { dispatcher, out } = this.#context;
    this.#context.count(RECEIVED_BYTES, end - start);
    client.sent = request;
    client.inside = (flags & packet.PIECE_ENDS) === 0;
    client.slot.dispatched(this.#context.now());
    const aux = packet.pieceAux(request, flags);
    dispatcher.send(
      client,
      client.link,
      out.set(packet.RECEIVE, client.session, aux, client.listener).with(memory, start, end),
    );
    if (cutter.holds) client.pauseFor(PAUSE_UPGRADE);
  }

  /** What the client has sent of a head is all that there will be: it comes before the end. */
  #inputEnd(connection: StreamConnection<Client>): void {
    const client = connection.context as HttpClient;
    if (client.dropped) return;
    if (client.cutter.keepsHead) {
      this.#late.forget(client);
      client.cutter.hurry();
      connection.recut();
      // It waits for room: this is called once more when it has gone.
      if (connection.inputBytes > 0) return;
    }
    this.#others.onInputEnd?.(connection);
  }
}
