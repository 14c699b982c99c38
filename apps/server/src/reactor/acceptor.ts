import type { Repetition } from '@millrace/channel';
import type { InetAddress } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import type { Listener, Reactor } from '@millrace/reactor';
import { RESTORE_MS } from '../constants.js';
import type { ListenerIndex, SessionId } from '../contract/ids.js';
import type { AcceptLog } from '../log/accept-log.js';
import type { SessionIds } from '../shared/session-ids.js';
import type { FairShare } from './fair-share.js';

/** The clients that one acceptor lets in, counted where other processes read it. */
export interface ClientCount {
  /** Those that are connected. */
  readonly open: number;
  /** One more is connected; false: there are `limit` of them. */
  enter(limit: number): boolean;
  /** One of them is not connected any more. */
  leave(): void;
  accepted(session: SessionId, listener: ListenerIndex): void;
  turnedAway(listener: ListenerIndex): void;
  outOfDescriptors(listener: ListenerIndex): void;
  /** Stores anew what another process has written over; called now and then. */
  restore?(): void;
}

export interface AcceptorParts {
  readonly ids: SessionIds;
  readonly count: ClientCount;
  readonly maxConnections: number;
  readonly log: AcceptLog;
  /** The descriptor from which on clients are turned away. */
  readonly lastDescriptor: number;
  /** Takes a client over. */
  readonly take: (fd: number, session: SessionId, listener: ListenerIndex, peer: InetAddress) => void;
}

/**
 * Lets clients in, as many as there may be, and gives each the id of its session. In process mode it is the master's, or that of
 * the only reactor thread; in base mode each worker has one.
 */
export class Acceptor {
  readonly #parts: AcceptorParts;
  readonly #listeners: Listener[] = [];
  #restoring: Repetition | undefined;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /** Accepts clients by the socket of a listener. `share`: of those that come to several reactors, what this one is to take. */
  listen(reactor: Reactor, socket: Listener, listener: ListenerIndex, share?: FairShare): void {
    const { count, log } = this.#parts;
    socket.start(reactor, {
      onAccept: (fd, peer) => {
        this.#accepted(fd, listener, peer);
        const pause = share?.pause() ?? 0;
        if (pause > 0) socket.pause(pause);
      },
      onExhausted: (error) => log.exhausted(error, count.open),
      ...(share && { burst: 1 }),
    });
    this.#listeners.push(socket);
    if (count.restore) this.#restoring ??= reactor.poller.every(RESTORE_MS, () => count.restore?.());
  }

  /** Accepts no more by that socket, which is closed. */
  shut(socket: Listener): void {
    const at = this.#listeners.indexOf(socket);
    if (at >= 0) this.#listeners.splice(at, 1);
    socket.close();
  }

  /** A connection is closed. */
  gone(session: SessionId): void {
    this.#parts.count.leave();
    this.#parts.ids.release(session);
  }

  /** Accepts no more; idempotent. */
  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#restoring?.close();
  }

  #accepted(fd: number, listener: ListenerIndex, peer: InetAddress): void {
    const { ids, count, maxConnections, log, lastDescriptor, take } = this.#parts;
    if (fd >= lastDescriptor) {
      syscalls.close(fd);
      count.outOfDescriptors(listener);
      return log.outOfDescriptors(count.open);
    }
    if (!count.enter(maxConnections)) {
      syscalls.close(fd);
      count.turnedAway(listener);
      return log.turnedAway();
    }
    const session = ids.next();
    // Before any process can know of it: the next process of this name goes on behind it.
    count.accepted(session, listener);
    take(fd, session, listener, peer);
  }
}
