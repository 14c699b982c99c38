import type { TlsAcceptorOptions } from '@millrace/reactor';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { ListenerIndex, PeerId, WorkerId } from '../contract/ids.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { SessionGateway } from '../sessions/session-gateway.js';

/** Where a program listens; the host is empty for a path. */
export interface ProgramSocket {
  readonly fd: number;
  readonly host: string;
}

/** The master's side of what moves messages between clients and workers. */
export interface Reactors {
  /** What the master does with sessions by their ids. */
  readonly gateway: SessionGateway;
  /** On the master's bell. */
  readonly listener: DoorbellListener;
  /** Resolves when connections may come; rejects when that will not be. */
  ready(): Promise<void>;
  /**
   * Resolves when what was opened for threads that come up may be closed: they have it, or have ended, which they are told to where they do
   * not come up in `timeoutMs`, or before `hurry` aborts.
   */
  settled(timeoutMs: number, hurry: AbortSignal): Promise<void>;
  /** Clients may come, where it is not the master who accepts them. */
  listen(): void;
  /** A program listens there from now on. Where the only reactor thread accepts, it does so by that socket. */
  openListener(listener: ListenerIndex, socket: ProgramSocket, protocol: StatefulProtocol): void;
  /** The same with TLS that ends here, for HTTP above it; resolves when clients may come. The socket stays open until then. */
  openSecureListener(listener: ListenerIndex, socket: ProgramSocket, tls: TlsAcceptorOptions): Promise<void>;
  /** It does not any more; the socket is closed after it. */
  closeListener(listener: ListenerIndex): void;
  /** No process has the place of that worker, or its aside links: resolves when its clients have been told, and another may have them. */
  workerDied(peer: PeerId): Promise<void>;
  /** Another process has the place of that worker. */
  workerReplaced(id: WorkerId): void;
  /** So many workers get something from now on: resolves when no reactor thread gives anything to others. */
  resize(workers: number): Promise<void>;
  /** No process will have the place of that worker; `lost`: what it had been sent was not read to its end. */
  workerGone(id: WorkerId, lost: boolean): void;
  /** The process of a peer has ended, and the next has not begun: resolves when what lies between is emptied. */
  resetLinks(peer: PeerId): Promise<void>;
  /** Other keys and certificates for clients to come, by listener. */
  replaceTls(tls: readonly (TlsAcceptorOptions | undefined)[]): void;
  /** Reads no more from clients, and tells the workers that what they have is the last. */
  quiesce(): void;
  /** Closes every connection, after what is queued for it has been sent, `timeoutMs` have passed, or `hurry` aborts. */
  stop(timeoutMs: number, hurry: AbortSignal): Promise<void>;
  /** After `stop`: gives up what the counters and the table of connections are read from. */
  close(): void;
}
