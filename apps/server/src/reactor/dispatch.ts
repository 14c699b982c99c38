import type { SessionId } from '../contract/ids.js';
import type { Packet } from '../links/packet.js';
import type { DispatchMode } from '../options/options.js';
import { FLAG_BOUND } from '../shared/connection-layout.js';
import type { Counters } from '../shared/counters.js';
import type { Client, ClientLink } from './client.js';
import { hashHost } from './hash-host.js';
import { type Share, Shares } from './shares.js';
import { WaitingLine } from './waiting-line.js';

export interface DispatcherParts {
  /** By the place of the worker. */
  readonly workers: readonly ClientLink[];
  /** How many of them, the first ones, get something. */
  readonly count: number;
  /** By worker, where it may have been replaced by another process and still have clients. */
  readonly asides: readonly ClientLink[];
  /** What one client may have under way to one worker. */
  readonly share: Share;
  readonly counters: Counters;
  /** Runs a function at the end of this turn, or of the next. */
  readonly defer: (callback: () => void) => void;
}

/** Who gets what, in one reactor thread. This class is `'fixed'`: all messages of a session go to its own worker. */
export class Dispatcher {
  protected readonly shares: Shares;
  readonly #places: readonly ClientLink[];
  #workers: readonly ClientLink[];

  /** `spreads`: whether the messages of one client may be under way to several workers. */
  constructor({ workers, count, asides, share }: DispatcherParts, spreads = false) {
    this.#places = workers;
    this.#workers = workers.slice(0, count);
    this.shares = new Shares([...workers, ...asides], share, spreads);
  }

  /** Those that get something. */
  get workers(): readonly ClientLink[] {
    return this.#workers;
  }

  /** So many workers, the first ones, get something from now on. */
  resize(count: number): void {
    this.#workers = this.#places.slice(0, count);
  }

  /** Whether the messages of a client are to be handled one after the other. */
  get keepsOrder(): boolean {
    return true;
  }

  /** Whether what a worker remembers of clients says which one they have to come to. */
  get isBinding(): boolean {
    return false;
  }

  /** The worker of a new session's own: it gets `connect` and `close`. */
  owner(session: SessionId, _host: string): ClientLink {
    return this.at(session);
  }

  /** Whether a message of `client` can be taken now; if not, the client is held until that may have changed. */
  ready(client: Client): boolean {
    return readyFor(client.owner, client);
  }

  /** Whether `client` has room in its share of what is under way for one more message. */
  hasShare(client: Client): boolean {
    return this.shares.hasRoom(client, client.owner);
  }

  /** As `ready` and `hasShare`, for a client whose messages all go to its own worker. */
  readyForOwner(client: Client): boolean {
    return readyFor(client.link, client);
  }

  hasShareOfOwner(client: Client): boolean {
    return this.shares.hasRoom(client, client.link);
  }

  /** Sends a message of `client` to `worker`, as part of its share. */
  send(client: Client, worker: ClientLink, message: Packet): void {
    const flow = this.shares.flow(client, worker);
    worker.dispatch(message, flow);
    this.shares.sent(flow, worker);
  }

  /** The worker for a message, or what becomes of it otherwise. */
  pick(client: Client, _memory: Buffer, _start: number, _end: number): ClientLink | 'discard' | 'close' {
    return client.owner;
  }

  /** Whether `worker` has room for a datagram. */
  takesDatagram(worker: ClientLink): boolean {
    return worker.writable && this.shares.hasRoomForDatagram(worker);
  }

  /** Sends a datagram to `worker`, as part of the share that all of them have. */
  sendDatagram(worker: ClientLink, message: Packet): void {
    worker.dispatch(message, worker.datagrams);
    this.shares.sent(worker.datagrams, worker);
  }

  /** The worker for a datagram. */
  pickForHost(host: string): ClientLink {
    return this.at(hashHost(host));
  }

  protected at(number: number): ClientLink {
    // A round that all processes count may hold anything, where one of them has written over it.
    return this.workers[Math.abs(number % this.workers.length) | 0] as ClientLink;
  }

  /** The worker with the lowest `measure`, the first such from `start` on. */
  protected least(start: number, measure: (worker: ClientLink) => number): ClientLink {
    let best = this.at(start);
    let lowest = measure(best);
    for (let i = 1; i < this.workers.length && lowest > 0; i++) {
      const worker = this.at(start + i);
      const value = measure(worker);
      if (value >= lowest) continue;
      best = worker;
      lowest = value;
    }
    return best;
  }
}

class ByAddress extends Dispatcher {
  override get isBinding(): boolean {
    return true;
  }

  override owner(session: SessionId, host: string): ClientLink {
    // The clients of a unix socket have no address.
    return this.at(host === '' ? session : hashHost(host));
  }
}

class LeastConnections extends Dispatcher {
  override owner(session: SessionId): ClientLink {
    return this.least(session, (worker) => worker.connections);
  }
}

/** Messages go to the worker of the session's uid; before it has one, to the session's own. */
class ByUid extends Dispatcher {
  constructor(parts: DispatcherParts) {
    super(parts, true);
  }

  override get isBinding(): boolean {
    return true;
  }

  override ready(client: Client): boolean {
    return readyFor(this.pick(client), client);
  }

  override hasShare(client: Client): boolean {
    return this.shares.hasRoom(client, this.pick(client));
  }

  override pick(client: Client): ClientLink {
    const { flags, uid } = client.slot;
    return flags & FLAG_BOUND ? this.at(uid >>> 0) : client.owner;
  }
}

/** Each message may go to any worker, so clients are held only when none has room. */
class Anywhere extends Dispatcher {
  readonly #line: WaitingLine;

  constructor(parts: DispatcherParts) {
    super(parts, true);
    this.#line = new WaitingLine(() => this.#hasRoom(), parts.defer);
    for (const worker of parts.workers) worker.line = this.#line;
  }

  override get keepsOrder(): boolean {
    return false;
  }

  override ready(client: Client): boolean {
    return this.#line.admits(client);
  }

  override hasShare(client: Client): boolean {
    for (const worker of this.workers) if (this.shares.hasRoom(client, worker)) return true;
    return false;
  }

  /** How much `worker` has to do; a client gives none that has its share more. */
  protected load(worker: ClientLink, client: Client | undefined): number {
    return client === undefined || this.shares.hasRoom(client, worker)
      ? worker.underWay
      : Number.POSITIVE_INFINITY;
  }

  #hasRoom(): boolean {
    for (const worker of this.workers) if (worker.writable) return true;
    return false;
  }
}

class RoundRobin extends Anywhere {
  readonly #counters: Counters;

  constructor(parts: DispatcherParts) {
    super(parts);
    this.#counters = parts.counters;
  }

  /** A worker whose ring is full, or where the client has its share, loses its turn: the others need not wait for it. */
  override pick(client?: Client): ClientLink {
    const first = this.#counters.nextRound();
    let second: ClientLink | undefined;
    for (let i = 0; i < this.workers.length; i++) {
      const worker = this.at(first + i);
      if (client !== undefined && !this.shares.hasRoom(client, worker)) continue;
      if (worker.writable) return worker;
      second ??= worker;
    }
    return second ?? this.at(first);
  }

  override pickForHost(): ClientLink {
    return this.pick();
  }
}

/** The next worker with nothing to do, from the one after the last; where none is idle, the one with the least. */
class Idle extends Anywhere {
  #next = 0;

  override pick(client?: Client): ClientLink {
    const worker = this.least(this.#next, (link) => this.load(link, client));
    this.#next = worker.worker + 1;
    return worker;
  }

  override pickForHost(): ClientLink {
    return this.pick();
  }
}

/** The worker with the least to do; among equals the session's own. */
class LeastBusy extends Anywhere {
  override pick(client: Client): ClientLink {
    return this.least(client.owner.worker, (worker) => this.load(worker, client));
  }

  override pickForHost(host: string): ClientLink {
    return this.least(hashHost(host), (worker) => worker.underWay);
  }
}

/** Makes the dispatcher of a mode that needs no function of the user's. */
export function createDispatcher(
  mode: Exclude<DispatchMode, 'function'>,
  parts: DispatcherParts,
): Dispatcher {
  switch (mode) {
    case 'fixed':
    // Of messages there is nothing by that name; requests are dispatched by http/request-dispatch.ts.
    case 'query':
    case 'header':
    case 'cookie':
      return new Dispatcher(parts);
    case 'ip':
      return new ByAddress(parts);
    case 'least-connections':
      return new LeastConnections(parts);
    case 'uid':
      return new ByUid(parts);
    case 'round-robin':
      return new RoundRobin(parts);
    case 'idle':
      return new Idle(parts);
    case 'least-busy':
      return new LeastBusy(parts);
  }
}

/** Whether `worker` has room; if not, `client` waits for it. */
export function readyFor(worker: ClientLink, client: Client): boolean {
  const { line } = worker;
  return (line.empty && worker.writable) || line.admits(client);
}
