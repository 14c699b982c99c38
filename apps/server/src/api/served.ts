import type { RequestListener } from 'node:http';
import type { Server as NetServer } from 'node:net';
import { inspect } from 'node:util';
import { type FetchHandler, fetchListener } from '@millrace/http/fetch';
import type { StatefulProtocol } from '../contract/protocol.js';
import { ServerError } from '../errors.js';
import type { HttpEngine, ServeOptions } from '../options/port-options.js';
import { isHttpServer, isPlainHttp, isTlsServer } from '../sockets/server-kinds.js';

/** What answers a `Request` with a `Response`: an object of the program, an application of Hono. */
export interface FetchServable {
  readonly fetch: FetchHandler;
}

/** What {@link Server.serve} takes: any server of node:net, node:http, node:https, node:http2 or node:tls, or what answers requests. */
export type Servable = NetServer | RequestListener | FetchServable;

/**
 * What `serve` was told: which engine, and where, if anything but the first listener was meant. `usual`: the engine of servers of node:http for
 * which it says none. Throws `ERR_MILLRACE_OPTION`.
 */
export function servePlace(
  target: Servable,
  { engine: named, ...place }: ServeOptions,
  usual: HttpEngine,
): { readonly engine: HttpEngine; readonly place: Omit<ServeOptions, 'engine'> | undefined } {
  const engine = named ?? (canBeLean(target) ? usual : 'node');
  if (engine !== 'node' && engine !== 'lean')
    throw new ServerError(
      'ERR_MILLRACE_OPTION',
      `The option 'engine' of serve is 'node' or 'lean', not ${inspect(engine)}.`,
    );
  if (engine === 'lean' && !canBeLean(target))
    throw new ServerError(
      'ERR_MILLRACE_OPTION',
      "The engine 'lean' serves a function (request, response), an object with a function fetch(request) or a server of node:http. Leave out 'engine' for any other server.",
    );
  return { engine, place: Object.keys(place).length > 0 ? place : undefined };
}

/** The server that `target` is or becomes. Throws `ERR_MILLRACE_OPTION`. */
export function serverOf(target: Servable): NetServer {
  // By this call a program that serves nothing does not load node:http.
  if (typeof target === 'function') return process.getBuiltinModule('node:http').createServer(target);
  // Called on its object, which may be of a class.
  if (isFetchServable(target))
    return process
      .getBuiltinModule('node:http')
      .createServer(fetchListener((request, connection) => target.fetch(request, connection)));
  const { listen, emit } = (target ?? {}) as Partial<NetServer>;
  if (typeof listen === 'function' && typeof emit === 'function') {
    if (!target.listening) return target;
    throw new ServerError(
      'ERR_MILLRACE_OPTION',
      'The server that serve was given listens already. Leave out its listen: serve takes the port.',
    );
  }
  throw new ServerError(
    'ERR_MILLRACE_OPTION',
    'serve takes a net.Server (of node:net, node:http, node:https, node:http2 or node:tls), which does not listen, a function (request, response), or an object with a function fetch(request).',
  );
}

/** Whether requests come to it that the engine which is lean can read. */
function canBeLean(target: Servable): boolean {
  if (typeof target === 'function' || isFetchServable(target)) return true;
  // What is no server at all is refused elsewhere.
  return typeof target === 'object' && target !== null && isPlainHttp(target);
}

function isFetchServable(target: Servable): target is FetchServable {
  return typeof (target as Partial<FetchServable> | undefined)?.fetch === 'function';
}

/** `secure`: TLS ends in the reactor. */
export function protocolOf(server: NetServer, secure: boolean): StatefulProtocol {
  return isHttpServer(server) && (secure || !isTlsServer(server)) ? 'http' : 'stream';
}
