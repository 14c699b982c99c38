import { checkOptions, optionNames } from '@millrace/channel';
import {
  check,
  IPPROTO_TCP,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOL_SOCKET,
  syscalls,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from '@millrace/native/syscalls';

/** Options that sockets of all kinds have. */
export interface SocketOptions {
  /** Several sockets, each bound with this, share one port; the kernel spreads what arrives. Default false. */
  readonly reusePort?: boolean | undefined;
  /** Bytes of `SO_RCVBUF`, of which the kernel uses half for its own book-keeping. Default: the system's. */
  readonly receiveBufferSize?: number | undefined;
  /** Bytes of `SO_SNDBUF`, likewise. Default: the system's. */
  readonly sendBufferSize?: number | undefined;
}

/** When the kernel asks a silent peer whether it is still there. */
export interface KeepAliveOptions {
  /** Seconds of silence before the first question. Default: `net.ipv4.tcp_keepalive_time`. */
  readonly idle?: number | undefined;
  /** Seconds between questions. Default: `net.ipv4.tcp_keepalive_intvl`. */
  readonly interval?: number | undefined;
  /** Questions without an answer after which the connection is over. Default: `net.ipv4.tcp_keepalive_probes`. */
  readonly count?: number | undefined;
}

/** What is set on a listening TCP socket, and its connections inherit. */
export interface TcpOptions {
  /** Whether its connections send at once, without waiting to fill a packet. Default true. */
  readonly noDelay?: boolean | undefined;
  /** Whether the kernel probes silent peers. Default false. */
  readonly keepAlive?: boolean | KeepAliveOptions | undefined;
  /** Seconds that the kernel keeps a new connection to itself until its first bytes are there. Default 0: not at all. */
  readonly deferAccept?: number | undefined;
  /** Connections that may be opened with data in their first packet and are not confirmed yet. Default 0: none. */
  readonly fastOpen?: number | undefined;
  /** Milliseconds that sent data may go without an answer before the connection is over. Default 0: the kernel's rule. */
  readonly userTimeout?: number | undefined;
}

/** The names of {@link SocketOptions} and {@link TcpOptions}, for the option lists of what takes them. */
export const SOCKET_OPTION_NAMES = {
  reusePort: true,
  receiveBufferSize: true,
  sendBufferSize: true,
} as const;
export const TCP_OPTION_NAMES = {
  noDelay: true,
  keepAlive: true,
  deferAccept: true,
  fastOpen: true,
  userTimeout: true,
} as const;
const KEEP_ALIVE_OPTIONS = optionNames<KeepAliveOptions>({ idle: true, interval: true, count: true });

/** Sets an option that is one integer. Throws a `SystemCallError` that names it. */
export function setOption(fd: number, level: number, option: number, value: number, name: string): void {
  check(syscalls.setSocketOption(fd, level, option, value), 'setsockopt', name);
}

/** The errno of what has happened to a socket since it was last read; 0: nothing. */
export function pendingError(fd: number): number {
  const out = new Int32Array(1);
  syscalls.getSocketOption(fd, SOL_SOCKET, SO_ERROR, new Uint8Array(out.buffer));
  return out[0] as number;
}

export function setSocketOptions(fd: number, options: SocketOptions, reuseAddress: boolean): void {
  const { reusePort, receiveBufferSize, sendBufferSize } = options;
  if (reuseAddress) setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
  if (reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT');
  if (receiveBufferSize !== undefined) setOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferSize, 'SO_RCVBUF');
  if (sendBufferSize !== undefined) setOption(fd, SOL_SOCKET, SO_SNDBUF, sendBufferSize, 'SO_SNDBUF');
}

export function setTcpOptions(fd: number, options: TcpOptions): void {
  const tcp = (option: number, value: number | undefined, name: string) => {
    if (value) setOption(fd, IPPROTO_TCP, option, value, name);
  };
  const { noDelay = true, keepAlive = false, deferAccept, fastOpen, userTimeout } = options;
  if (typeof keepAlive === 'object') checkOptions(keepAlive, KEEP_ALIVE_OPTIONS, 'keepAlive');
  tcp(TCP_NODELAY, Number(noDelay), 'TCP_NODELAY');
  tcp(TCP_DEFER_ACCEPT, deferAccept, 'TCP_DEFER_ACCEPT');
  tcp(TCP_FASTOPEN, fastOpen, 'TCP_FASTOPEN');
  tcp(TCP_USER_TIMEOUT, userTimeout, 'TCP_USER_TIMEOUT');
  if (keepAlive === false) return;
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1, 'SO_KEEPALIVE');
  if (keepAlive === true) return;
  tcp(TCP_KEEPIDLE, keepAlive.idle, 'TCP_KEEPIDLE');
  tcp(TCP_KEEPINTVL, keepAlive.interval, 'TCP_KEEPINTVL');
  tcp(TCP_KEEPCNT, keepAlive.count, 'TCP_KEEPCNT');
}
