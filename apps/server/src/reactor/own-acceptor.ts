import type { Repetition } from '@millrace/channel';
import { type InetAddress, syscalls } from '@millrace/native';
import type { Listener, Reactor } from '@millrace/reactor';
import { RESTORE_MS } from '../constants.js';
import { type ListenerIndex, type ReactorIndex, reactorOf, type SessionId } from '../contract/ids.js';
import type { AcceptLog } from '../log/accept-log.js';
import type { CounterBlock } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import {
  ACCEPTED_HERE,
  LAST_SESSION_HERE,
  OUT_OF_DESCRIPTORS_HERE,
  TURNED_AWAY_HERE,
} from '../shared/counters-layout.js';
import { SessionIds } from '../shared/session-ids.js';
import type { FairShare } from './fair-share.js';

/** No session gets so far: a million a second would take a century. */
const LAST_ID = 2 ** 52;

export interface OwnAcceptorParts {
  /** The number of the reactor. */
  readonly index: ReactorIndex;
  readonly counters: Counters;
  /** The reactor's part of them. */
  readonly own: CounterBlock;
  readonly maxConnections: number;
  /** Slots of the table of connections. */
  readonly capacity: number;
  readonly firstSession: number;
  readonly log: AcceptLog;
  /** The descriptor from which on clients are turned away. */
  readonly lastDescriptor: number;
  /** Takes a client over. */
  readonly take: (fd: number, session: SessionId, listener: ListenerIndex, peer: InetAddress) => void;
}

/**
 * Accepts clients in the reactor that they stay with: in base mode each worker's, in process mode that of the only
 * reactor thread. It gives out the session ids that name its reactor, behind those that one before it has given out.
 */
export class OwnAcceptor {
  readonly #parts: OwnAcceptorParts;
  readonly #ids: SessionIds;
  readonly #own: CounterBlock;
  readonly #listeners: Listener[] = [];
  #restoring: Repetition | undefined;

  constructor(parts: OwnAcceptorParts) {
    const { index, counters, capacity, firstSession } = parts;
    const { reactors } = counters.shape;
    this.#parts = parts;
    this.#own = parts.own;
    const last = this.#own.get(LAST_SESSION_HERE);
    // What no reactor of this number can have given out was written over: it goes on behind all others.
    const isOwn = reactorOf(last, reactors) === index && last < LAST_ID;
    const behind = Math.max(firstSession, ...counters.lastSessions().filter((id) => id < LAST_ID));
    const first =
      last > 0 && isOwn ? last + reactors : firstId(last > 0 ? behind : firstSession, index, reactors);
    this.#ids = new SessionIds(capacity, first, reactors);
  }

  /** Accepts clients by the socket of a listener. `share`: of those that come to several reactors, what this one is to take. */
  listen(reactor: Reactor, socket: Listener, listener: ListenerIndex, share?: FairShare): void {
    const { counters, index, log } = this.#parts;
    socket.start(reactor, {
      onAccept: (fd, peer) => {
        this.#accepted(fd, listener, peer);
        const pause = share?.pause() ?? 0;
        if (pause > 0) socket.pause(pause);
      },
      onExhausted: (error) => log.exhausted(error, counters.open(index)),
      ...(share && { burst: 1 }),
    });
    this.#listeners.push(socket);
    this.#restoring ??= reactor.poller.every(RESTORE_MS, () => this.#restore());
  }

  /** A connection is closed. */
  gone(session: SessionId): void {
    this.#parts.counters.leave(this.#parts.index);
    this.#ids.release(session);
  }

  /** Accepts no more; idempotent. */
  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#restoring?.close();
  }

  #restore(): void {
    const { counters, index, log } = this.#parts;
    if (counters.restoreOpen(index)) log.overwritten(1, index);
  }

  #accepted(fd: number, listener: ListenerIndex, peer: InetAddress): void {
    const { index, counters, maxConnections, log, take, lastDescriptor } = this.#parts;
    if (fd >= lastDescriptor) {
      syscalls.close(fd);
      this.#count(OUT_OF_DESCRIPTORS_HERE);
      return log.outOfDescriptors(counters.open(index));
    }
    if (!counters.enter(index, maxConnections)) {
      syscalls.close(fd);
      this.#count(TURNED_AWAY_HERE);
      return log.turnedAway();
    }
    const session = this.#ids.next();
    // Before any process can know of it: the next process of this name goes on behind it.
    this.#own.set(LAST_SESSION_HERE, session);
    this.#count(ACCEPTED_HERE);
    take(fd, session, listener, peer);
  }

  #count(counter: number): void {
    this.#own.add(counter, 1);
  }
}

/** The lowest id from `start` on that names `reactor`. */
function firstId(start: number, reactor: ReactorIndex, reactors: number): number {
  return start + ((((reactor - start) % reactors) + reactors) % reactors);
}
