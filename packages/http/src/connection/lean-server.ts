import { channel } from 'node:diagnostics_channel';
import { maxHeaderSize, type Server } from 'node:http';
import { PARTIAL_MS, SILENT_MS } from '../constants.js';
import { RequestReader } from '../head/request-reader.js';
import type { LeanRequest } from '../message/lean-request.js';
import type { LeanResponse } from '../message/lean-response.js';
import type { UntypedServer } from '../message/node-internals.js';
import { LeanConnection } from './lean-connection.js';
import type { LeanLink } from './lean-link.js';
import { unusualOf } from './server-options.js';
import { WaitingLine } from './waiting-line.js';

/** Milliseconds that node:http keeps an idle connection beyond what it tells the client. */
const KEEP_ALIVE_BUFFER_MS = 1_000;
/** Milliseconds between two looks at what has waited for too long. */
const LOOK_MS = 250;

const requestStart = channel('http.server.request.start');
const responseFinish = channel('http.server.response.finish');

/**
 * Serves connections of a server of node:http: what is beyond doubt by itself, everything else by that server. It is node:http as far
 * as the program and its clients can tell.
 */
export class LeanServer {
  readonly server: Server;
  readonly reader: RequestReader;
  readonly #connections = new Set<LeanConnection>();
  /** Of which a request is not whole; that have sent none yet; that have been answered. */
  readonly #partial = new WaitingLine();
  readonly #silent = new WaitingLine();
  readonly #idle = new WaitingLine();
  /** What was the time when those that wait were looked at, or were not and began to: asking for each request costs more than being late. */
  #now = 0;
  #timer: NodeJS.Timeout | undefined;
  #partialTimer: NodeJS.Timeout | undefined;

  constructor(server: Server) {
    this.server = server;
    this.reader = new RequestReader((server as UntypedServer).maxHeaderSize ?? maxHeaderSize);
    const { closeIdleConnections, closeAllConnections } = server;
    server.closeIdleConnections = () => {
      closeIdleConnections.call(server);
      for (const connection of [...this.#connections])
        if (!connection.isBusy) connection.link.socket.destroy();
    };
    server.closeAllConnections = () => {
      closeAllConnections.call(server);
      for (const { link } of [...this.#connections]) link.socket.destroy();
    };
  }

  /** Milliseconds that an idle connection is told it is kept. */
  get keepAliveMs(): number {
    return this.server.keepAliveTimeout;
  }

  /** What the program has asked of its server that is not done here, in words: then node:http has its connections. */
  get unusual(): string | undefined {
    return unusualOf(this.server);
  }

  /** Takes a connection, which the server counts already. Undefined: it is {@link unusual}, and node:http is to have the connection. */
  accept(link: LeanLink): LeanConnection | undefined {
    if (this.unusual !== undefined) return undefined;
    const connection = new LeanConnection(this, link);
    this.#connections.add(connection);
    this.#wait(connection, this.#silent);
    return connection;
  }

  // From connections

  requested(connection: LeanConnection, request: LeanRequest, response: LeanResponse): void {
    const { server } = this;
    if (requestStart.hasSubscribers)
      requestStart.publish({ request, response, socket: connection.link.socket, server });
    connection.runInAsyncScope(emitRequest, server, request, response);
  }

  answered(connection: LeanConnection, request: LeanRequest, response: LeanResponse): void {
    if (!responseFinish.hasSubscribers) return;
    responseFinish.publish({ request, response, socket: connection.link.socket, server: this.server });
  }

  /** It waits since the first piece has come, however many follow. */
  awaitRest(connection: LeanConnection): void {
    if (connection.line !== this.#partial) this.#wait(connection, this.#partial);
  }

  awaitRequest(connection: LeanConnection): void {
    if (this.server.keepAliveTimeout) this.#wait(connection, this.#idle);
  }

  over(connection: LeanConnection): void {
    this.#connections.delete(connection);
  }

  // What waits

  #wait(connection: LeanConnection, line: WaitingLine): void {
    if (line === this.#partial) {
      line.enter(connection, performance.now());
      this.#partialTimer ??= setTimeout(this.#lookAtPartial, PARTIAL_MS).unref();
      return;
    }
    if (this.#timer === undefined) {
      this.#now = performance.now();
      this.#timer = setTimeout(this.#look, LOOK_MS).unref();
    }
    // It waits since then or since up to a look later, so that none is over early.
    line.enter(connection, this.#now + LOOK_MS);
  }

  readonly #lookAtPartial = () => {
    this.#handOverSince(this.#partial, performance.now() - PARTIAL_MS);
    this.#partialTimer = this.#partial.isEmpty
      ? undefined
      : setTimeout(this.#lookAtPartial, PARTIAL_MS / 2).unref();
  };

  readonly #look = () => {
    const now = performance.now();
    this.#now = now;
    this.#handOverSince(this.#silent, now - SILENT_MS);
    const { keepAliveTimeout, keepAliveTimeoutBuffer = KEEP_ALIVE_BUFFER_MS } = this.server as UntypedServer &
      Server;
    for (;;) {
      const waiting = this.#idle.takeBefore(now - keepAliveTimeout - keepAliveTimeoutBuffer);
      if (waiting === undefined) break;
      (waiting as LeanConnection).link.socket.destroy();
    }
    this.#timer =
      this.#silent.isEmpty && this.#idle.isEmpty ? undefined : setTimeout(this.#look, LOOK_MS).unref();
  };

  #handOverSince(line: WaitingLine, until: number): void {
    for (;;) {
      const waiting = line.takeBefore(until);
      if (waiting === undefined) return;
      (waiting as LeanConnection).handOver();
    }
  }
}

function emitRequest(this: Server, request: LeanRequest, response: LeanResponse): void {
  this.emit('request', request, response);
}
