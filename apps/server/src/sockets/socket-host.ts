import type { Keeper, KeptRequest, WebSocketOwner } from '../contract/resumable.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { SessionLink } from './session-link.js';

/** What the sockets of a worker have in common. */
export interface SocketHost {
  readonly gateway: SessionGateway;
  /** No process goes on with its connections: each ends with its next answer. */
  readonly isEnding: boolean;
  /** So many answers have ended, with what was sent just now; or another response has the socket. */
  answered(link: SessionLink, count: number): void;
  /** It speaks HTTP no more. */
  upgraded(link: SessionLink): void;
  /** Another process can go on with it from here on; undefined where none can. */
  keeps(link: SessionLink, request: KeptRequest, owner: WebSocketOwner): Keeper | undefined;
  /** The program gives up a connection that is between two requests. True: another process goes on with it, and it stays open. */
  handsOver(link: SessionLink): boolean;
  /** The socket is destroyed. `open`: the reactor thread has not said yet that the connection is closed. */
  gone(link: SessionLink, open: boolean): void;
}

/** What a socket tells of one end of its connection, as `net.Socket.address()` gives it; empty for a unix socket. */
export interface SocketEnd {
  readonly address?: string;
  readonly port?: number;
  readonly family?: 'IPv4' | 'IPv6';
}

const NOWHERE: SocketEnd = Object.freeze({});

export function socketEnd(address: string, port: number): SocketEnd {
  if (address === '') return NOWHERE;
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}

/** The client's end, as CONNECT and ADOPT tell it: `192.0.2.1:40000`, `[2001:db8::1]:40000`, or nothing. */
export function remoteEnd(text: string): SocketEnd {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return NOWHERE;
  const host = text[0] === '[' ? text.slice(1, colon - 1) : text.slice(0, colon);
  return socketEnd(host, Number(text.slice(colon + 1)));
}
