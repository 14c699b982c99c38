import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';

/** Milliseconds between two looks for connections that have become idle, while a worker leaves. */
const IDLE_POLL_MS = 50;

interface NativeServer extends Server {
  _handle: { close(): void } | null;
}

/**
 * How long a connection that is kept has for a request that ends it, before it is closed as idle, and the part of the time of its
 * process that this may be: a request that is on its way to a connection which is closed is lost.
 */
const LAST_REQUEST_MS = 1_000;
const LAST_REQUEST_PART = 1 / 3;

/**
 * The servers of a program that accept by themselves, in base mode: their connections end with the process. When it leaves, requests
 * are answered with `Connection: close`, and what has been idle for a while is closed.
 */
export class NativeServers {
  readonly #servers = new Set<NativeServer>();
  readonly #unanswered = new Set<ServerResponse>();
  #leaving = false;

  /** `server` listens by a socket of the master's; `onClose`: it does no more. */
  add(server: Server, onClose: () => void): void {
    this.#servers.add(server as NativeServer);
    server.once('close', () => {
      this.#servers.delete(server as NativeServer);
      onClose();
    });
    if (!answersRequests(server)) return;
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      if (this.#leaving) response.shouldKeepAlive = false;
      this.#unanswered.add(response);
      response.once('close', () => this.#unanswered.delete(response));
    });
  }

  /** Accepts no more, and resolves when the last connection has ended; what is idle may have one more request for `waitMs` at most. */
  async leave(waitMs: number): Promise<void> {
    const closesIdleAt = performance.now() + Math.min(LAST_REQUEST_MS, waitMs * LAST_REQUEST_PART);
    this.#leaving = true;
    for (const response of this.#unanswered) if (!response.headersSent) response.shouldKeepAlive = false;
    for (const server of this.#servers) {
      // The socket is the master's: other workers go on. The program is not told, it would end what it has in hand.
      server._handle?.close();
      server._handle = null;
    }
    for (;;) {
      let open = 0;
      for (const server of this.#servers) {
        if (answersRequests(server) && performance.now() >= closesIdleAt) server.closeIdleConnections();
        open += await connectionsOf(server);
      }
      if (open === 0) return;
      await new Promise((resolve) => setTimeout(resolve, IDLE_POLL_MS));
    }
  }
}

/** Of http and https. */
function answersRequests(server: Server): server is HttpServer {
  return typeof (server as Partial<HttpServer>).closeIdleConnections === 'function';
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
