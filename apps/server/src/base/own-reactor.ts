import { type InetAddress, syscalls } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import { BoundDatagram, Listener, Reactor } from '@millrace/reactor';
import { AcceptLog } from '../accept-log.js';
import type { FabricShape } from '../fabric.js';
import { LogLimit } from '../log.js';
import { SessionIds } from '../master/session-ids.js';
import { DATAGRAM, RECEIVE } from '../packet.js';
import type { PacketChannel } from '../packet-channel.js';
import type { ReactorHost } from '../reactor/host.js';
import type { UserFunctions } from '../reactor/thread.js';
import { Traffic } from '../reactor/traffic.js';
import { importUserFunctions } from '../reactor/user-functions.js';
import type { RoleContext } from '../role.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import { ACCEPTED_HERE, LAST_SESSION_HERE, TURNED_AWAY_HERE } from '../shared/counters-layout.js';
import { FairShare } from './fair-share.js';
import { LocalChannel } from './local-channel.js';
import { OwnDispatcher } from './own-dispatcher.js';
import { socketNames } from './sockets.js';

export interface OwnReactorParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly shape: FabricShape;
  /** The worker's, and so the reactor's. */
  readonly id: number;
  readonly table: ConnectionTable;
  readonly counters: Counters;
}

/**
 * Base mode: what a worker is besides: it accepts clients and is the reactor of those, in Node's loop. It runs what
 * reactor threads run; only the way to its own worker is a call, and others reach its sessions as they reach a thread's.
 */
export class OwnReactor implements ReactorHost {
  /** The worker's end of the way between the two. */
  readonly channel: PacketChannel;
  readonly #parts: OwnReactorParts;
  readonly #reactor = new Reactor();
  /** The reactor's end. */
  readonly #far: LocalChannel;
  readonly #limit: LogLimit;
  readonly #log: AcceptLog;
  readonly #own: Float64Array;
  #ids: SessionIds | undefined;
  #functions: UserFunctions | undefined;
  #listeners: Listener[] = [];
  #traffic: Traffic | undefined;
  #allClosed: () => void = () => {};

  constructor(parts: OwnReactorParts) {
    const { context, id, counters } = parts;
    const schedule = (deliver: () => void) => this.#reactor.defer(deliver);
    [this.channel, this.#far] = LocalChannel.pair(
      // What clients send comes when nothing else goes on. All else may come of what a handler does: it waits for its end.
      { direct: ({ type }) => type === RECEIVE || type === DATAGRAM, schedule },
      { direct: () => true, schedule },
    ) as [LocalChannel, LocalChannel];
    this.#parts = parts;
    this.#limit = new LogLimit(context);
    this.#log = new AcceptLog(this.#limit, context.options.maxConnections);
    this.#own = counters.reactor(id);
  }

  /** Imports the user's functions; rejects when they cannot be had. */
  async load(): Promise<void> {
    this.#functions = await importUserFunctions(this.#parts.context.ports, undefined);
  }

  get connections(): number {
    return this.#traffic?.connections ?? 0;
  }

  /** Accepts clients from here on. It is loaded, and the rings of this reactor's name are the worker's by now. */
  serve(): void {
    const functions = this.#functions;
    if (functions === undefined) throw new Error('This reactor has not been loaded.');
    const { context, child, shape, id } = this.#parts;
    // Up to now the process before this one may have given out some.
    this.#ids = this.#nextIds();
    const { enableDelayReceive, heartbeatCheckInterval, lingerTime, dispatchMode } = context.options;
    const { ports } = context;
    const sockets = socketNames(shape.base ?? [], id).map((name) => child.descriptor(name));
    const datagrams = sockets.map((fd, port) =>
      ports[port]?.type === 'datagram' ? new BoundDatagram({ fd }) : undefined,
    );
    const descriptors = Object.fromEntries(child.descriptors);
    const data = { index: id, shape, descriptors, ports, datagrams, tls: [], dispatchMode };
    const times = { enableDelayReceive, heartbeatCheckInterval, lingerTime };
    this.#traffic = new Traffic(this.#reactor, { ...data, ...times }, functions, {
      host: this,
      channel: this.#far,
      createDispatcher: (workers) => new OwnDispatcher(workers, id),
    });
    for (const [port, fd] of sockets.entries())
      if (datagrams[port] === undefined) this.#listen(port, fd, shape.base?.[port] !== true);
  }

  /** Takes no more clients, and reads no more from those that there are. */
  quiesce(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#traffic?.quiesce();
  }

  /** Resolves when every client has got what it was to get and is closed, and its `close` event is with the worker. */
  async closeAll(): Promise<void> {
    if (this.#traffic === undefined) return;
    this.channel.resume();
    const { maxWaitTime } = this.#parts.context.options;
    await new Promise<void>((resolve) => {
      this.#allClosed = resolve;
      this.#traffic?.stop(maxWaitTime);
    });
    this.channel.deliverNow();
  }

  /** Gives everything up, connections included. */
  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#traffic?.close();
    this.channel.destroy();
    this.#reactor.close();
  }

  ready(): void {}

  gone(session: number): void {
    this.#parts.counters.leave(this.#parts.id);
    this.#ids?.release(session);
  }

  log(kind: string, text: string): void {
    this.#limit.warn(kind, text);
  }

  stopped(): void {
    this.#allClosed();
  }

  #listen(port: number, fd: number, shared: boolean): void {
    const { shape, counters, id } = this.#parts;
    const listener = new Listener({ fd });
    const share = shared && shape.workers > 1 ? new FairShare(counters, id) : undefined;
    listener.start(this.#reactor, {
      onAccept: (connection, peer) => {
        this.#accepted(connection, port, peer);
        const pause = share?.pause() ?? 0;
        if (pause > 0) listener.pause(pause);
      },
      onExhausted: (error) => this.#log.exhausted(error, this.connections),
      ...(share && { burst: 1 }),
    });
    this.#listeners.push(listener);
  }

  #accepted(fd: number, port: number, { host, port: remotePort }: InetAddress): void {
    const { id, counters, context } = this.#parts;
    const ids = this.#ids as SessionIds;
    if (!counters.enter(id, context.options.maxConnections)) {
      syscalls.close(fd);
      this.#count(TURNED_AWAY_HERE);
      return this.#log.turnedAway();
    }
    const session = ids.next();
    // Before anybody can know of it: the next process of this name goes on behind it.
    this.#own[LAST_SESSION_HERE] = session;
    this.#count(ACCEPTED_HERE);
    this.#traffic?.accept(fd, session, port, host, remotePort);
  }

  /** Those behind the last one that a process of this name has given out. */
  #nextIds(): SessionIds {
    const { context, shape, id, table } = this.#parts;
    const last = this.#own[LAST_SESSION_HERE] as number;
    const { startSessionId } = context.options;
    const first = last > 0 ? last + shape.workers : firstId(startSessionId, id, shape.workers);
    return new SessionIds(table.capacity, first, shape.workers);
  }

  #count(counter: number): void {
    this.#own[counter] = (this.#own[counter] as number) + 1;
  }
}

/** The lowest id from `start` on that names reactor `id`. */
function firstId(start: number, id: number, reactors: number): number {
  return start + ((((id - start) % reactors) + reactors) % reactors);
}
