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
import { Acceptor, type AcceptorParts, type ClientCount } from './acceptor.js';
import { ListenerCounts } from './listener-counts.js';

/** No session gets so far: a million a second would take a century. */
const LAST_ID = 2 ** 52;

export interface OwnAcceptorParts extends Omit<AcceptorParts, 'ids' | 'count'> {
  /** The number of the reactor. */
  readonly index: ReactorIndex;
  readonly counters: Counters;
  /** The reactor's part of them. */
  readonly own: CounterBlock;
  /** Slots of the table of connections. */
  readonly capacity: number;
  readonly firstSession: number;
}

/**
 * For a reactor that accepts the clients which stay with it: in base mode each worker's, in process mode that of the only
 * reactor thread. It gives out the session ids that name its reactor, behind those that one before it has given out.
 */
export function ownAcceptor(parts: OwnAcceptorParts): Acceptor {
  const { index, counters, own, capacity, firstSession, log } = parts;
  const { reactors } = counters.shape;
  const last = own.get(LAST_SESSION_HERE);
  // What no reactor of this number can have given out was written over: it goes on behind all others.
  const isOwn = reactorOf(last, reactors) === index && last < LAST_ID;
  const behind = Math.max(firstSession, ...counters.lastSessions().filter((id) => id < LAST_ID));
  const first =
    last > 0 && isOwn ? last + reactors : firstId(last > 0 ? behind : firstSession, index, reactors);
  const ids = new SessionIds(capacity, first, reactors);
  return new Acceptor({ ...parts, ids, count: new OwnCount(index, counters, own, log) });
}

/** The clients of one reactor of several, which together may have so many. */
class OwnCount implements ClientCount {
  readonly #index: ReactorIndex;
  readonly #counters: Counters;
  readonly #own: CounterBlock;
  readonly #traffic: ListenerCounts;
  readonly #log: AcceptLog;

  constructor(index: ReactorIndex, counters: Counters, own: CounterBlock, log: AcceptLog) {
    this.#index = index;
    this.#counters = counters;
    this.#own = own;
    this.#traffic = new ListenerCounts(own);
    this.#log = log;
  }

  get open(): number {
    return this.#counters.open(this.#index);
  }

  enter(limit: number): boolean {
    return this.#counters.enter(this.#index, limit);
  }

  leave(): void {
    this.#counters.leave(this.#index);
  }

  accepted(session: SessionId, listener: ListenerIndex): void {
    this.#own.set(LAST_SESSION_HERE, session);
    this.#own.add(ACCEPTED_HERE, 1);
    this.#traffic.accepted(listener);
  }

  turnedAway(listener: ListenerIndex): void {
    this.#own.add(TURNED_AWAY_HERE, 1);
    this.#traffic.refused(listener);
  }

  outOfDescriptors(listener: ListenerIndex): void {
    this.#own.add(OUT_OF_DESCRIPTORS_HERE, 1);
    this.#traffic.refused(listener);
  }

  restore(): void {
    if (this.#counters.restoreOpen(this.#index)) this.#log.overwritten(1, this.#index);
  }
}

/** The lowest id from `start` on that names `reactor`. */
function firstId(start: number, reactor: ReactorIndex, reactors: number): number {
  return start + ((((reactor - start) % reactors) + reactors) % reactors);
}
