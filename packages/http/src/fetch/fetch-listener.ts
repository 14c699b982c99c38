import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Exchange, requestOf } from './fetch-request.js';
import { requestUrl } from './request-url.js';
import { sendResponse } from './send-response.js';

/** The objects of node:http that a request came by: the address of the client is there. */
export interface FetchConnection {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Answers a request, as `fetch` handlers of Hono, Deno and Bun do. */
export type FetchHandler = (request: Request, connection: FetchConnection) => Response | Promise<Response>;

export interface FetchListenerOptions {
  /** Is told, once, of what the handler has thrown or an answer has failed by. Default: `console.error`. */
  readonly onError?: (error: unknown) => void;
}

/** Methods of which there can be no `Request`. */
const FORBIDDEN: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/**
 * A listener of `'request'`, of a server of node:http or of one that is lean, by which `handler` answers. What the handler throws, its
 * client does not see: it gets 500, or a broken answer where one has begun.
 */
export function fetchListener(
  handler: FetchHandler,
  { onError = console.error }: FetchListenerOptions = {},
): RequestListener {
  return (incoming, outgoing) => {
    const url = requestUrl(incoming);
    if (url === undefined) return refuse(outgoing, 400);
    if (FORBIDDEN.has(incoming.method as string)) return refuse(outgoing, 405);
    const exchange: Exchange = { incoming, outgoing, url };
    try {
      const response = handler(requestOf(exchange), exchange);
      if (response instanceof Promise || typeof (response as { then?: unknown })?.then === 'function')
        Promise.resolve(response)
          .then((settled) => sendResponse(settled, exchange))
          .catch((error: unknown) => fail(error, exchange, onError));
      else sendResponse(response, exchange)?.catch((error: unknown) => fail(error, exchange, onError));
    } catch (error) {
      fail(error, exchange, onError);
    }
  };
}

function refuse(outgoing: ServerResponse, status: 400 | 405): void {
  outgoing.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
  outgoing.end();
}

/** The client is told as much as it can be told; the program all of it, unless it is that the client has left. */
function fail(error: unknown, { outgoing, abort }: Exchange, onError: (error: unknown) => void): void {
  const isGone = abort?.signal.aborted === true && error === abort.signal.reason;
  // What has ended is whole: the answer to HEAD, whose body is cancelled behind it.
  if (outgoing.headersSent) {
    if (!outgoing.writableEnded) outgoing.destroy();
  } else if (!outgoing.destroyed) {
    for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
    outgoing.statusCode = 500;
    outgoing.statusMessage = '';
    outgoing.setHeader('Content-Type', 'text/plain');
    outgoing.end('Internal Server Error\n');
  }
  if (!isGone) onError(error);
}
