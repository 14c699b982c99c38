import { syscalls } from './addon.js';
import { SOCKADDR_BYTES } from './constants.js';
import { NativeError } from './errors.js';

export interface InetAddress {
  readonly host: string;
  readonly port: number;
}

/** An address as the kernel takes it. */
export interface EncodedAddress {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** `AF_INET` or `AF_INET6`. */
  readonly family: number;
}

/** Encodes an IPv4 or IPv6 literal. Throws `ERR_MILLRACE_BAD_ADDRESS` for a host name: resolve it first. */
export function encodeInetAddress({ host, port }: InetAddress): EncodedAddress {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  const length = syscalls.encodeInet(host, port, bytes);
  if (length < 0) {
    throw new NativeError('ERR_MILLRACE_BAD_ADDRESS', `'${host}' is neither an IPv4 nor an IPv6 address.`);
  }
  return {
    bytes,
    length,
    family: new Uint16Array(bytes.buffer, 0, 1)[0] as number,
  };
}

/** Decodes what `accept` or `socketName` filled in; a unix socket's address is `{ host: '', port: 0 }`. */
export function decodeInetAddress(bytes: Uint8Array): InetAddress {
  const out = new Int32Array(2);
  const host = syscalls.decodeInet(bytes, new Uint8Array(out.buffer));
  return typeof host === 'string' ? { host, port: out[1] as number } : { host: '', port: 0 };
}
