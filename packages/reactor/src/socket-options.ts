import {
  check,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOL_SOCKET,
  syscalls,
} from '@millrace/native';

/** Options that sockets of all kinds have. */
export interface SocketOptions {
  /** Several sockets, each bound with this, share one port; the kernel spreads what arrives. Default false. */
  readonly reusePort?: boolean | undefined;
  /** Bytes of `SO_RCVBUF`, of which the kernel uses half for its own book-keeping. Default: the system's. */
  readonly receiveBufferSize?: number | undefined;
  /** Bytes of `SO_SNDBUF`, likewise. Default: the system's. */
  readonly sendBufferSize?: number | undefined;
}

/** Sets an option that is one integer. Throws a `SystemCallError` that names it. */
export function setOption(fd: number, level: number, option: number, value: number, name: string): void {
  check(syscalls.setSocketOption(fd, level, option, value), 'setsockopt', name);
}

export function setSocketOptions(fd: number, options: SocketOptions, reuseAddress: boolean): void {
  const { reusePort, receiveBufferSize, sendBufferSize } = options;
  if (reuseAddress) setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
  if (reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT');
  if (receiveBufferSize !== undefined) setOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferSize, 'SO_RCVBUF');
  if (sendBufferSize !== undefined) setOption(fd, SOL_SOCKET, SO_SNDBUF, sendBufferSize, 'SO_SNDBUF');
}
