import type { Server as NetServer } from 'node:net';
import type { HttpEngine } from '../options/port-options.js';

/** A server of the program, and what reads the requests of its connections. */
export interface ServedServer {
  readonly server: NetServer;
  readonly engine: HttpEngine;
}

/**
 * Whether it is a server of node:http or node:https, by what those have and no other: the modules themselves are loaded in few
 * processes. One of node:http2 has the first as well, where it allows HTTP/1.
 */
export function isHttpServer(server: NetServer): boolean {
  return 'requestTimeout' in server && !('updateSettings' in server);
}

/** Whether it ends TLS by itself: one of node:tls, node:https or node:http2. */
export function isTlsServer(server: NetServer): boolean {
  return 'setSecureContext' in server;
}
