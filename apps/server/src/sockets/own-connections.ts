import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Streams, sayGoodbye } from './http2-farewell.js';
import { isTlsServer } from './server-kinds.js';

/** Milliseconds between two looks for connections that have become idle, while a process leaves. */
const IDLE_POLL_MS = 50;
/** Milliseconds that a connection may be silent in while a process leaves: its client may have sent a request. */
export const IDLE_END_MS = 500;

/** So many silent connections are kept account of before those that are closed by now are looked for. */
const MIN_PRUNED = 64;

/** What node:net, node:tls and node:http know of a socket beyond its types. */
interface Known {
  readonly encrypted?: boolean;
  /** Of TLS: what it lies over. */
  readonly _parent?: Socket | null;
  /** As long as it speaks HTTP. */
  readonly parser?: object | null;
}

/** Of node:http: with the response that it is given by now. */
interface AnsweringSocket extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/**
 * Connections of a server that end with this process: HTTP in base mode, and HTTP above TLS, or HTTP/2, that end in it. When it leaves,
 * what is in hand is answered, and clients are told in time to come anew: by `Connection: close`, or by GOAWAY.
 */
export class OwnConnections {
  readonly #server: Server;
  /** Of HTTP/1.1, with a request at least. */
  readonly #sockets = new Set<AnsweringSocket>();
  /** Responses that wait for the one before: their requests were pipelined. */
  readonly #behind = new Set<ServerResponse>();
  /** Open sessions of HTTP/2, and how many of their streams are under way. */
  readonly #sessions = new Map<ServerHttp2Session, Streams>();
  /** Connections that have not asked anything, or are not through their handshake: node:http counts them as busy until a timeout. */
  readonly #silent = new Set<Socket>();
  #prunedAt = MIN_PRUNED;
  readonly #isTls: boolean;
  #isLeaving = false;
  readonly #onConnection = (socket: Socket): void => {
    this.#silent.add(socket);
    // Not by a listener of 'close': the program may count those of its sockets.
    if (this.#silent.size < this.#prunedAt) return;
    for (const each of this.#silent) if (each.destroyed) this.#silent.delete(each);
    this.#prunedAt = Math.max(MIN_PRUNED, 2 * this.#silent.size);
  };
  readonly #onSecure = (socket: Socket): void => {
    const { _parent: under } = socket as Known;
    if (under) this.#silent.delete(under);
    if (closesIdle(this.#server)) this.#onConnection(socket);
  };
  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    // Of HTTP/2 the session is told.
    if (request.httpVersionMajor > 1) return;
    this.#silent.delete(request.socket);
    if (this.#isLeaving) response.shouldKeepAlive = false;
    // Not each response: a set that changes with each makes V8 keep what it has held until it marks the whole heap.
    const socket = request.socket as AnsweringSocket;
    if (socket._httpMessage !== response) {
      this.#behind.add(response);
      response.once('close', () => this.#behind.delete(response));
    }
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#closed(socket));
  };
  readonly #onSession = (session: ServerHttp2Session): void => {
    const streams = new Streams();
    this.#sessions.set(session, streams);
    session.once('close', () => this.#sessions.delete(session));
    session.prependListener('stream', (stream) => {
      stream.once('close', streams.begin());
    });
    if (this.#isLeaving) sayGoodbye(session, streams);
  };

  constructor(server: Server) {
    this.#server = server;
    this.#isTls = isTlsServer(server);
    if (this.#isTls || closesIdle(server)) server.prependListener('connection', this.#onConnection);
    if (this.#isTls) server.prependListener('secureConnection', this.#onSecure);
    server.prependListener('request', this.#onRequest);
    server.prependListener('session', this.#onSession);
  }

  /** Sessions of HTTP/2 that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  #closed(socket: AnsweringSocket): void {
    this.#sockets.delete(socket);
    // Those that never had the connection are told nothing of its end.
    for (const response of this.#behind) if (response.req.socket === socket) this.#behind.delete(response);
  }

  /** No more requests come by these connections than those on their way, for `idleMs` milliseconds. Idempotent. */
  leave(idleMs = IDLE_END_MS): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    for (const { _httpMessage } of this.#sockets) endWith(_httpMessage);
    for (const response of this.#behind) endWith(response);
    for (const [session, streams] of this.#sessions) sayGoodbye(session, streams);
    // Until then who has just had an answer may have the next request on its way.
    setTimeout(() => {
      setInterval(() => this.#endIdle(), IDLE_POLL_MS).unref();
    }, idleMs - IDLE_POLL_MS).unref();
  }

  #endIdle(): void {
    const server = this.#server;
    if (closesIdle(server)) server.closeIdleConnections();
    for (const socket of this.#silent) if (this.#hasNothing(socket)) socket.destroy();
  }

  /** Not one that has sent a part of a request, as far as that can be told, nor one that was upgraded. */
  #hasNothing(socket: Socket): boolean {
    if (!this.#isTls) return socket.bytesRead === 0;
    const { encrypted, parser } = socket as Known;
    return encrypted !== true || (parser !== undefined && parser !== null);
  }

  /** What the server gets from here on it is not looked at for. */
  detach(): void {
    this.#server.off('connection', this.#onConnection);
    this.#server.off('secureConnection', this.#onSecure);
    this.#server.off('request', this.#onRequest);
    this.#server.off('session', this.#onSession);
  }
}

/** The connection ends with this answer, where its head does not say otherwise yet. */
function endWith(response: ServerResponse | null | undefined): void {
  if (response?.headersSent === false) response.shouldKeepAlive = false;
}

/** Of http and https. */
function closesIdle(server: Server): server is HttpServer {
  return typeof (server as Partial<HttpServer>).closeIdleConnections === 'function';
}
