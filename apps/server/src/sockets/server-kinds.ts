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

/** Whether it is a server of node:http, which the engine that is lean can read for. */
export function isPlainHttp(server: NetServer): boolean {
  return isHttpServer(server) && !isTlsServer(server);
}

const LEFT_TO_NODE = 'its clients are served as with the engine node';
/** What is said of a server that the engine which is lean has nothing of. */
export const NOT_FOR_LEAN = `the engine 'lean' reads requests of servers of node:http, and this one is of another module: ${LEFT_TO_NODE}`;
/** The same of one that was told what that engine does not do. */
export const unusualForLean = (what: string) =>
  `the server of the program has ${what}, which the engine 'lean' does not do: ${LEFT_TO_NODE}`;

/** Whether it ends TLS by itself: one of node:tls, node:https or node:http2. */
export function isTlsServer(server: NetServer): boolean {
  return 'setSecureContext' in server;
}
