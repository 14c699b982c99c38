import { isIPv4 } from 'node:net';

const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** A number for an address: an IPv4 address as an integer, so that neighbours go to different workers; FNV-1a else. */
export function hashHost(host: string): number {
  if (isIPv4(host)) return host.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
  let hash = FNV_OFFSET;
  for (let i = 0; i < host.length; i++) hash = Math.imul(hash ^ host.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}
