import type { TlsAcceptorOptions } from '@millrace/reactor';
import type { ListenerIndex, PeerId, SessionId } from '../contract/ids.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { Dispatcher, DispatcherParts } from './dispatch.js';

/** What a reactor works for: the master, whose thread it is, or in base mode the worker that it is part of. */
export interface ReactorHost {
  /** Connections may come. */
  ready(): void;
  /** A connection is closed. */
  gone(session: SessionId): void;
  /** Writes a line to the log; many of one kind are counted there instead. */
  log(kind: string, text: string): void;
  /** What a process sends makes no sense, for that reason: nothing more is read from it until `ReactorContext.reset`. */
  corrupt(peer: PeerId, why: string): void;
  /** `ReactorContext.reset` has been done for it. */
  resetDone(peer: PeerId): void;
  /** Clients of that worker or process aside, which has died, have been told. */
  workerSettled(peer: PeerId): void;
  /** The dispatcher goes by the number of workers that the master has said last. */
  resized(): void;
  /** The last connection is closed, or the time for that is over. */
  stopped(): void;
}

/** What differs where a worker is its own reactor. */
export interface OwnWorker {
  readonly host: ReactorHost;
  /** The reactor's end of the way between the two. */
  readonly channel: PacketChannel;
  /** The keys and certificates that the master has last read, by listener. */
  readonly readTls: () => readonly (TlsAcceptorOptions | undefined)[];
  readonly createDispatcher: (parts: DispatcherParts) => Dispatcher;
}

/** What accepts clients in a reactor thread that is the only one. */
export interface ThreadAcceptor {
  listen(): void;
  /** Accepts clients of one more listener, by a socket of the master's. */
  open(listener: ListenerIndex, socket: number): void;
  /** No more of that one. */
  shut(listener: ListenerIndex): void;
  /** A connection is closed. */
  gone(session: SessionId): void;
  /** Accepts no more; idempotent. */
  close(): void;
}
