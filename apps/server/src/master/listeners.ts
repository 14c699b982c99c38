import { BoundDatagram, Listener, type SocketAddress } from '@millrace/reactor';
import { ServerError } from '../errors.js';
import { type ResolvedPort, showPort } from '../port-options.js';

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
export function bindPort(port: ResolvedPort): Bound {
  const where: SocketAddress =
    port.path === undefined ? { host: port.host, port: port.port ?? 0 } : { path: port.path };
  try {
    const options = { ...port, mode: port.fileMode };
    return port.type === 'datagram'
      ? new BoundDatagram(where, options)
      : new Listener({ ...options, ...where });
  } catch (cause) {
    const { errnoName } = cause as { errnoName?: string };
    const message = `Cannot listen on ${showPort(port)} (${errnoName}): ${ADVICE[errnoName ?? ''] ?? 'see the cause'}.`;
    throw new ServerError('ERR_MILLRACE_LISTEN', message, { cause });
  }
}

/** The number that an internet port is bound to; 0 for a unix socket. */
export function numberOf({ address }: Bound): number {
  return 'port' in address ? address.port : 0;
}
