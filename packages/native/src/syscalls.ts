/**
 * The system calls: one function each, with the numbers and the addresses that they take. A function returns `-errno` when its call
 * failed; `check` makes a `SystemCallError` of that.
 *
 * ```ts
 * import { check, ECONNREFUSED, encodeInetAddress, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
 *
 * const { family, bytes, length } = encodeInetAddress({ host: '127.0.0.1', port: 9501 });
 * const fd = check(syscalls.socket(family, SOCK_STREAM, 0), 'socket');
 * if (syscalls.connect(fd, bytes, length) === -ECONNREFUSED) syscalls.close(fd);
 * ```
 *
 * @packageDocumentation
 */
export { syscalls } from './addon.js';
export {
  decodeInetAddress,
  decodeUnixAddress,
  type EncodedAddress,
  encodeInetAddress,
  encodeUnixAddress,
} from './address.js';
export type { MapHandle, MessageWaiter, PollHandle, Syscalls } from './calls.js';
export * from './constants.js';
export { check } from './errors.js';
export { createSocketPair } from './socket-pair.js';
