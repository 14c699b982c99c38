import type { ConnectionHandlers, StreamConnection } from '@millrace/reactor';
import * as packet from '../../links/packet.js';
import { HELD_BACK } from '../../shared/counters-layout.js';
import type { Client } from '../client.js';
import { PAUSE_MOVES, PAUSE_SHARE, PAUSE_UPGRADE } from '../pause-reasons.js';
import type { ReactorContext } from '../reactor-context.js';
import type { HttpClient } from './http-client.js';
import { HttpFramer } from './http-framer.js';
import { LateHeads } from './late-heads.js';
import { PIECE_SKIPPED } from './request-cutter.js';
import type { RequestDispatch } from './request-dispatch.js';
import { type Piece, RequestMoves } from './request-moves.js';

type Handlers = ConnectionHandlers<Client, StreamConnection<Client>>;

/** Sends the requests of clients, piece by piece, each to the worker that has its connection. */
export class HttpInput {
  readonly framer: HttpFramer;
  readonly handlers: Handlers;
  readonly #context: ReactorContext;
  readonly #late: LateHeads;
  readonly #others: Handlers;
  readonly #requests: RequestDispatch;
  readonly #moves: RequestMoves;
  readonly #lost: (client: HttpClient) => void;

  /** `others`: what becomes of everything that is no request; `lost`: of a client of which no process can understand what follows. */
  constructor(
    context: ReactorContext,
    requests: RequestDispatch,
    others: Handlers,
    lost: (client: HttpClient) => void,
  ) {
    this.#context = context;
    this.#requests = requests;
    this.#lost = lost;
    this.#moves = new RequestMoves(
      context,
      (...piece) => this.#send(...piece),
      (client, bytes) => requests.choose(client, bytes, 0, bytes.length),
    );
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
        const client = connection.context as HttpClient;
        this.#late.forget(client);
        client.kept?.clear();
        client.waiting?.forget();
        others.onClose?.(connection, reason, error);
      },
    };
  }

  /** Whether each request may go to another worker. */
  get ofEach(): boolean {
    return this.#requests.ofEach;
  }

  #wantsPiece(client: HttpClient): boolean {
    if (client.dropped || client.skips) return true;
    if (client.waitsToMove) {
      client.pauseFor(PAUSE_MOVES);
      return false;
    }
    if (client.waiting !== undefined && !this.#moves.go(client)) return false;
    const { dispatcher } = this.#context;
    if (dispatcher.hasShareOfOwner(client)) return dispatcher.readyForOwner(client);
    this.#context.count(HELD_BACK, 1);
    client.pauseFor(PAUSE_SHARE);
    return false;
  }

  #piece(client: HttpClient, memory: Buffer, start: number, end: number): void {
    const { cutter } = client;
    const { flags } = cutter;
    if (client.dropped || flags === PIECE_SKIPPED) return;
    this.#context.traffic.received(client.listener, flags & packet.PIECE_BEGINS, end - start);
    if (client.skips) return this.#skip(client);
    if ((flags & packet.PIECE_BEGINS) !== 0 && (cutter.hasQuery || this.#requests.ofEach)) {
      const worker = this.#requests.choose(client, memory, start, end);
      if (worker !== undefined && !this.#moves.to(worker, client, memory, start, end)) return;
    }
    this.#send(client, memory, start, end, cutter);
  }

  /** Where nothing tells any more where the rest ends, a request could lie in it that nobody would answer. */
  #skip(client: HttpClient): void {
    if (client.cutter.isOpaque) this.#lost(client);
    else if ((client.cutter.flags & packet.PIECE_ENDS) !== 0) client.skips = false;
  }

  #send(client: HttpClient, memory: Buffer, start: number, end: number, { request, flags }: Piece): void {
    const { cutter } = client;
    const { dispatcher, out } = this.#context;
    client.sent = request;
    client.inside = (flags & packet.PIECE_ENDS) === 0;
    if (client.kept !== undefined && !cutter.holds) client.kept.add(request, flags, memory, start, end);
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
