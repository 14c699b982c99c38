import type { InetAddress, UnixAddress } from '@millrace/native';
import {
  AF_INET6,
  decodeInetAddress,
  decodeUnixAddress,
  type EncodedAddress,
  encodeInetAddress,
  encodeUnixAddress,
} from '@millrace/native/syscalls';

/**
 * Where a socket is: an IPv4 or IPv6 literal and a port, or the path of a unix socket. Names are not resolved; a path
 * that begins with a NUL is a name in the abstract namespace.
 */
export type SocketAddress = InetAddress | UnixAddress;

export function isUnix(address: SocketAddress): address is UnixAddress {
  return 'path' in address;
}

/** Throws a `NativeError` with `ERR_MILLRACE_BAD_ADDRESS`. */
export function encodeAddress(address: SocketAddress): EncodedAddress {
  return isUnix(address) ? encodeUnixAddress(address) : encodeInetAddress(address);
}

export function decodeAddress(bytes: Uint8Array, unix: boolean): SocketAddress {
  return unix ? decodeUnixAddress(bytes) : decodeInetAddress(bytes);
}

/** An address as messages show it: `127.0.0.1:9501`, `[::1]:9501`, `/run/a.sock`, `@name`. */
export function showAddress(address: SocketAddress): string {
  if (isUnix(address)) return address.path.replace(/^\0/, '@');
  const { host, port } = address;
  return encodeInetAddress(address).family === AF_INET6 ? `[${host}]:${port}` : `${host}:${port}`;
}
