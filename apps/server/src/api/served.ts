import type { RequestListener } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { StatefulProtocol } from '../contract/protocol.js';
import { ServerError } from '../errors.js';
import { isHttpServer, isTlsServer } from '../sockets/server-kinds.js';

/** What {@link Server.serve} takes: any server of node:net, node:http, node:https, node:http2 or node:tls, or what answers requests. */
export type Servable = NetServer | RequestListener;

/** The server that `target` is or becomes. Throws `ERR_MILLRACE_OPTION`. */
export function serverOf(target: Servable): NetServer {
  // By this call a program that serves nothing does not load node:http.
  if (typeof target === 'function') return process.getBuiltinModule('node:http').createServer(target);
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
    'serve takes a net.Server (of node:net, node:http, node:https, node:http2 or node:tls), which does not listen, or a function (request, response).',
  );
}

/** `secure`: TLS ends in the reactor. */
export function protocolOf(server: NetServer, secure: boolean): StatefulProtocol {
  return isHttpServer(server) && (secure || !isTlsServer(server)) ? 'http' : 'stream';
}
