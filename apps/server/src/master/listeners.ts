import { BoundDatagram, Listener, type SocketAddress } from '@millrace/reactor';
import { ServerError } from '../errors.js';
import { type ResolvedPort, showPort } from '../options/resolved-port.js';
import type { ActivatedSockets } from './activation.js';

/** A listener of either kind, bound. */
export type Bound = Listener | BoundDatagram;

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program (perhaps this one, started before) listens there: choose another, or end it',
  EACCES:
    'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE), paths a writable directory: choose another',
  EADDRNOTAVAIL: 'this machine has no such address: 0.0.0.0 or :: listen on all it has',
  ENOENT: 'there is no such directory',
};

/** Binds a listener, so that an address in use is an error before anything else. Throws `ERR_MILLRACE_LISTEN`. */
export function bindPort(port: ResolvedPort, sockets: ActivatedSockets): Bound {
  const fd = port.activation === undefined ? port.fd : sockets.take(port.activation);
  try {
    const where = addressOfListener(port, fd);
    const bound =
      port.type === 'datagram'
        ? new BoundDatagram(where, socketOptions(port))
        : new Listener({ ...socketOptions(port), ...streamOptions(port), ...where });
    if (port.tls && bound instanceof Listener && bound.path !== undefined) {
      bound.close();
      throw new TypeError("it is a unix socket, and 'tls' is for TCP");
    }
    return bound;
  } catch (cause) {
    const { errnoName, message: why } = cause as Error & { errnoName?: string };
    const reason = errnoName ?? why;
    const advice = fd === undefined ? (ADVICE[errnoName ?? ''] ?? 'see the cause') : NOT_HANDED;
    const message = `Cannot listen on ${showPort(port)} (${reason}): ${advice}.`;
    throw new ServerError('ERR_MILLRACE_LISTEN', message, { cause });
  }
}

const NOT_HANDED =
  'what starts the program must hand it a bound socket of that kind (not with daemonize, which starts anew)';

function socketOptions({ permissions, reusePort, receiveBufferSize, sendBufferSize }: ResolvedPort) {
  return { permissions, reusePort, receiveBufferSize, sendBufferSize };
}

function streamOptions({ backlog, noDelay, keepAlive, deferAccept, fastOpen, userTimeout }: ResolvedPort) {
  return { backlog, noDelay, keepAlive, deferAccept, fastOpen, userTimeout };
}

function addressOfListener(
  { host, port = 0, path }: ResolvedPort,
  fd: number | undefined,
): SocketAddress | { fd: number } {
  if (fd !== undefined) return { fd };
  return path === undefined ? { host, port } : { path };
}

/** The number that an internet port is bound to; 0 for a unix socket. */
export function numberOf({ address }: Bound): number {
  return 'port' in address ? address.port : 0;
}
