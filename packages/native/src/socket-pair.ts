import { syscalls } from './addon.js';
import { check } from './errors.js';

/** Makes a connected pair of unix sockets of `type` (`SOCK_STREAM`, `SOCK_DGRAM`, `SOCK_SEQPACKET`). */
export function createSocketPair(type: number): [number, number] {
  const out = new Int32Array(2);
  check(syscalls.socketPair(type, new Uint8Array(out.buffer)), 'socketpair');
  return [out[0] as number, out[1] as number];
}
