import { type InetAddress, syscalls } from '@millrace/native';
import type { Listener, Reactor } from '@millrace/reactor';
import type { ListenerIndex, SessionId } from '../contract/ids.js';
import type { AcceptLog } from '../log/accept-log.js';
import type { Counters } from '../shared/counters.js';
import * as counters from '../shared/counters-layout.js';
import { SessionIds } from '../shared/session-ids.js';
import type { ReactorThreads } from './reactor-threads.js';

export interface AcceptorParts {
  readonly threads: ReactorThreads;
  readonly maxConnections: number;
  /** Slots of the table of connections. */
  readonly capacity: number;
  readonly firstSession: number;
  readonly log: AcceptLog;
  /** The descriptor from which on clients are turned away. */
  readonly lastDescriptor: number;
}

/** Process mode: the master accepts clients, and hands each to the reactor thread that its session id names. */
export class Acceptor {
  readonly #parts: AcceptorParts;
  readonly #sessions: SessionIds;
  readonly #counters: Counters;
  #connections = 0;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
    this.#sessions = new SessionIds(parts.capacity, parts.firstSession);
    this.#counters = parts.threads.gateway.counters;
  }

  /** Accepts clients of the listener of that index. */
  listen(reactor: Reactor, socket: Listener, listener: ListenerIndex): void {
    socket.start(reactor, {
      onAccept: (fd, peer) => this.#accepted(fd, listener, peer),
      onExhausted: (error) => this.#parts.log.exhausted(error, this.#connections),
    });
  }

  /** A connection is closed. */
  gone(session: SessionId): void {
    this.#connections--;
    this.#sessions.release(session);
  }

  #accepted(fd: number, listener: ListenerIndex, peer: InetAddress): void {
    if (fd >= this.#parts.lastDescriptor) {
      syscalls.close(fd);
      this.#count(counters.OUT_OF_DESCRIPTORS);
      return this.#parts.log.outOfDescriptors(this.#connections);
    }
    if (this.#connections === this.#parts.maxConnections) {
      syscalls.close(fd);
      this.#count(counters.TURNED_AWAY);
      return this.#parts.log.turnedAway();
    }
    const session = this.#sessions.next();
    this.#connections++;
    this.#count(counters.ACCEPTED);
    this.#counters.setServer(counters.LAST_SESSION, session);
    this.#parts.threads.accept(fd, session, listener, peer);
  }

  #count(counter: number): void {
    this.#counters.countServer(counter);
  }
}
