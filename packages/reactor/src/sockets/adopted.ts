import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  check,
  SO_ACCEPTCONN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOCKADDR_BYTES,
  SOL_SOCKET,
  syscalls,
} from '@millrace/native/syscalls';
import { ReactorError } from '../errors.js';
import { decodeAddress, type SocketAddress } from './addresses.js';

/** A socket that another program has bound, and that came to this process by its descriptor. */
export interface AdoptedAddress {
  readonly fd: number;
}

export interface Adopted {
  readonly fd: number;
  readonly family: number;
  readonly address: SocketAddress;
  /** It listens already. */
  readonly listening: boolean;
}

const KINDS = { [SOCK_STREAM]: 'stream', [SOCK_DGRAM]: 'datagram' } as Readonly<Record<number, string>>;

/**
 * Makes sure that `fd` is a bound socket of `type`, and keeps it from programs that this one starts. Throws
 * `ERR_MILLRACE_DESCRIPTOR` where it is something else, and a `SystemCallError` where it is nothing, or no socket.
 */
export function adopt(fd: number, type: typeof SOCK_STREAM | typeof SOCK_DGRAM): Adopted {
  const kind = option(fd, SO_TYPE);
  if (kind !== type) throw unfit(fd, `is a ${KINDS[kind] ?? 'raw'} socket, not a ${KINDS[type]} socket`);
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  check(syscalls.socketName(fd, bytes, 0), 'getsockname', `descriptor ${fd}`);
  const [family] = new Uint16Array(bytes.buffer, 0, 1) as unknown as [number];
  if (family !== AF_INET && family !== AF_INET6 && family !== AF_UNIX)
    throw unfit(fd, `is a socket of the family ${family}, which is neither IP nor unix`);
  const address = decodeAddress(bytes, family === AF_UNIX);
  const bound = 'port' in address ? address.port !== 0 : address.path !== '';
  if (!bound) throw unfit(fd, 'is a socket that is not bound');
  check(syscalls.setCloseOnExec(fd, 1), 'fcntl', `descriptor ${fd}`);
  check(syscalls.setNonBlocking(fd, 1), 'fcntl', `descriptor ${fd}`);
  return { fd, family, address, listening: type === SOCK_STREAM && option(fd, SO_ACCEPTCONN) !== 0 };
}

function option(fd: number, name: number): number {
  const out = new Int32Array(1);
  const bytes = new Uint8Array(out.buffer);
  check(syscalls.getSocketOption(fd, SOL_SOCKET, name, bytes), 'getsockopt', `descriptor ${fd}`);
  return out[0] as number;
}

function unfit(fd: number, what: string): ReactorError {
  return new ReactorError('ERR_MILLRACE_DESCRIPTOR', `Descriptor ${fd} ${what}.`);
}
