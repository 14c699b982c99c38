import type { Server as NetServer } from 'node:net';
import { ListenHandle } from './listen-handle.js';

/** Where a listener of the server listens: an address, or the path of a unix socket. */
export type ServedAddress =
  | { readonly host: string; readonly port: number; readonly path?: undefined }
  | { readonly path: string };

/**
 * Has a server that nobody has called `listen` of take itself for one that listens: `listening`, `address()`, `close()`,
 * `getConnections()` and what node:http begins with 'listening' are Node's own then. `onClose`: the program has closed it.
 */
export function listenFor(server: NetServer, address: ServedAddress, onClose: () => void): void {
  const state = server as unknown as { _handle: ListenHandle | null; _pipeName?: string };
  const isPath = address.path !== undefined;
  const handle = new ListenHandle(isPath, 'IPv4', () => {});
  state._handle = handle;
  if (isPath) state._pipeName = address.path;
  handle.bound(isPath ? '' : address.host, isPath ? 0 : address.port, onClose);
  process.nextTick(() => {
    if (server.listening) server.emit('listening');
  });
}
