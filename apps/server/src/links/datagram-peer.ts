import { resolve } from 'node:path';
import { type SocketAddress, showAddress } from '@millrace/reactor';

/**
 * The other side of a datagram, as it travels in packets:
 *
 *         ┌──────────────┬──────────────┐
 *         │ port, u16 BE │ host or path │
 *         └──────────────┴──────────────┘
 *
 * A relative unix path would look like a host, so paths are made absolute; one of the abstract namespace begins with a
 * NUL, and the path of a sender without one is empty. Their port is 0.
 */
const PORT_BYTES = 2;
/** An address has so many bytes at least: a unix socket without a name. */
export const PEER_BYTES = PORT_BYTES;

export function encodePeer(address: SocketAddress): Buffer {
  const [port, text] = 'path' in address ? [0, absolute(address.path)] : [address.port, address.host];
  const bytes = Buffer.allocUnsafe(PORT_BYTES + Buffer.byteLength(text));
  bytes.writeUInt16BE(port);
  bytes.write(text, PORT_BYTES);
  return bytes;
}

export function decodePeer(bytes: Buffer, start: number, end: number): SocketAddress {
  const text = bytes.toString('utf8', start + PORT_BYTES, end);
  if (text === '' || text.startsWith('/') || text.startsWith('\0')) return { path: text };
  return { host: text, port: bytes.readUInt16BE(start) };
}

/** As messages show it. */
export function showPeer(address: SocketAddress): string {
  return 'path' in address && address.path === '' ? 'an unnamed unix socket' : showAddress(address);
}

function absolute(path: string): string {
  return path === '' || path.startsWith('\0') ? path : resolve(path);
}
