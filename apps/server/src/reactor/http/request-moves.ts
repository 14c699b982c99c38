import { CLOSE_REASONS, FORGET } from '../../links/packet.js';
import type { ClientLink } from '../client.js';
import { readyFor } from '../dispatch.js';
import { PAUSE_DISPATCH, PAUSE_MOVES } from '../pause-reasons.js';
import type { ReactorContext } from '../reactor-context.js';
import type { HttpClient } from './http-client.js';

/** The beginning of a request that waits until it can go to its worker. */
export interface WaitingPiece {
  readonly worker: ClientLink;
  readonly bytes: Buffer;
  readonly flags: number;
  readonly request: number;
  /** Sends it, where it can go by now. */
  readonly go: () => void;
  /** It is not to be sent any more. */
  readonly forget: () => void;
}

/** As if its client had come to the wrong worker by mistake: nothing is broken. */
const BY_SERVER = CLOSE_REASONS.indexOf('server');

/**
 * Takes clients from one worker to another between two requests. Where an answer is still owed, or the other worker has no room, the
 * request waits, and its client is not read from: there is one that waits for each client at most.
 */
export class RequestMoves {
  readonly #context: ReactorContext;
  readonly #send: (client: HttpClient, bytes: Buffer, start: number, end: number, piece: Piece) => void;
  readonly #choose: (client: HttpClient, bytes: Buffer) => ClientLink | undefined;

  /** `choose`: the worker for a request, where that is not the one that has the client. */
  constructor(
    context: ReactorContext,
    send: (client: HttpClient, bytes: Buffer, start: number, end: number, piece: Piece) => void,
    choose: (client: HttpClient, bytes: Buffer) => ClientLink | undefined,
  ) {
    this.#context = context;
    this.#send = send;
    this.#choose = choose;
  }

  /** Whether the request that begins with these bytes can go to the worker that `client` has then; else it waits. */
  to(worker: ClientLink, client: HttpClient, bytes: Buffer, start: number, end: number): boolean {
    if (worker === client.at) return true;
    if (this.#move(client, worker)) return true;
    const { request, flags } = client.cutter;
    const copy = Buffer.from(bytes.subarray(start, end));
    this.#context.memory.use.bytes += copy.length;
    const acts = { go: () => this.go(client), forget: () => this.#forget(client) };
    client.waiting = { worker, bytes: copy, flags, request, ...acts };
    client.pauseFor(PAUSE_DISPATCH);
    return false;
  }

  /** Sends what waits, where it can go; false: it waits on. */
  go(client: HttpClient): boolean {
    const { waiting } = client;
    if (waiting === undefined) return true;
    const { bytes } = waiting;
    // The worker that it was for may be one that the server was scaled down by since.
    const worker = waiting.worker.leaving ? (this.#choose(client, bytes) ?? client.at) : waiting.worker;
    if (worker !== client.at && !this.#move(client, worker)) return false;
    this.#forget(client);
    this.#send(client, bytes, 0, bytes.length, waiting);
    client.resumeFor(PAUSE_DISPATCH);
    return true;
  }

  #forget(client: HttpClient): void {
    if (client.waiting === undefined) return;
    this.#context.memory.use.bytes -= client.waiting.bytes.length;
    client.waiting = undefined;
  }

  #move(client: HttpClient, worker: ClientLink): boolean {
    if (!client.isBetween || !readyFor(worker, client)) return false;
    const before = client.link;
    const isNew = client.sent === 0;
    client.moveTo(worker, !isNew);
    client.resumeFor(PAUSE_MOVES);
    // That process has been told that it came, and waits for its first request.
    if (isNew) before.channel.send(this.#context.out.set(FORGET, client.session, BY_SERVER, client.listener));
    return true;
  }
}

/** What a piece is; see `pieceAux`. */
export interface Piece {
  readonly request: number;
  readonly flags: number;
}
