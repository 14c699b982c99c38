import { syscalls } from './addon.js';
import { AF_UNIX, SOCKADDR_BYTES } from './constants.js';
import { NativeError } from './errors.js';

export interface InetAddress {
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;

/** A unix socket's: a path, or a name in the abstract namespace, written with a leading NUL; `''`: it has none. */
export interface UnixAddress {
  readonly path: string;
}

/** An address as the kernel takes it. */
export interface EncodedAddress {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** `AF_INET`, `AF_INET6` or `AF_UNIX`. */
  readonly family: number;
}

/**
 * Encodes an IPv4 or IPv6 literal. Throws `ERR_MILLRACE_BAD_ADDRESS` for a host name, which has to be resolved first, and
 * for what is not a port.
 */
export function encodeInetAddress({ host, port }: InetAddress): EncodedAddress {
  // The kernel has 16 bits for it: more would be another port.
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw new NativeError(
      'ERR_MILLRACE_BAD_ADDRESS',
      `A port must be an integer from 0 to ${MAX_PORT}, not ${String(port)}.`,
    );
  }
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  // Behind a NUL the C library would see nothing of a host.
  const named = typeof host === 'string' && !host.includes('\0');
  const length = named ? syscalls.encodeInet(host, port, bytes) : -1;
  if (length < 0) {
    const shown = typeof host === 'string' ? JSON.stringify(host) : String(host);
    throw new NativeError('ERR_MILLRACE_BAD_ADDRESS', `${shown} is neither an IPv4 nor an IPv6 address.`);
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

/** Bytes before the path in a `struct sockaddr_un`: the family. */
const UNIX_HEAD_BYTES = 2;
/** Room for the path in a `struct sockaddr_un`. */
const UNIX_PATH_BYTES = 108;

/** Encodes the address of a unix socket. Throws `ERR_MILLRACE_BAD_ADDRESS` for a path that is empty or too long. */
export function encodeUnixAddress({ path }: UnixAddress): EncodedAddress {
  const name = Buffer.from(path);
  const abstract = name[0] === 0;
  // A path ends with a NUL, a name of the abstract namespace with its last byte.
  const room = abstract ? UNIX_PATH_BYTES : UNIX_PATH_BYTES - 1;
  if (name.length === 0 || name.length > room || (!abstract && name.includes(0))) {
    throw new NativeError(
      'ERR_MILLRACE_BAD_ADDRESS',
      `The path of a unix socket has 1 to ${room} bytes and no NUL, ${JSON.stringify(path)} has ${name.length}.`,
    );
  }
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX;
  bytes.set(name, UNIX_HEAD_BYTES);
  const length = UNIX_HEAD_BYTES + name.length + (abstract ? 0 : 1);
  return { bytes, length, family: AF_UNIX };
}

/** Decodes the address of a unix socket from memory that was cleared before the kernel filled it in. */
export function decodeUnixAddress(bytes: Uint8Array): UnixAddress {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset + UNIX_HEAD_BYTES, UNIX_PATH_BYTES);
  let end = name[0] === 0 ? UNIX_PATH_BYTES : name.indexOf(0);
  if (end < 0) end = UNIX_PATH_BYTES;
  while (end > 0 && name[end - 1] === 0) end--;
  return { path: name.toString('utf8', 0, end) };
}
