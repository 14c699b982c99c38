import type { ChildProcessContext } from '@millrace/process-pool';
import { BoundDatagram, Listener, Reactor } from '@millrace/reactor';
import type { FromWorker } from '../contract/control-messages.js';
import {
  asListener,
  type ListenerIndex,
  type PeerId,
  reactorOfWorker,
  type SessionId,
  type WorkerId,
} from '../contract/ids.js';
import { corruptLink } from '../links/corrupt-links.js';
import { KEYS, socketNames } from '../links/descriptor-names.js';
import { DATAGRAM, RECEIVE } from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { Topology } from '../links/topology.js';
import { processesOf } from '../links/topology.js';
import { AcceptLog } from '../log/accept-log.js';
import { LogLimit } from '../log/log.js';
import { lastForClients } from '../options/open-files.js';
import type { RoleContext } from '../process/role-context.js';
import type { Acceptor } from '../reactor/acceptor.js';
import { FairShare } from '../reactor/fair-share.js';
import type { ReactorHost } from '../reactor/host.js';
import { memoryLimitsOf } from '../reactor/memory-guard.js';
import { ownAcceptor } from '../reactor/own-acceptor.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import { ReactorRouter } from '../reactor/reactor-router.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import { readKeys } from '../shared/keys.js';
import { publishedSize } from '../shared/server-size.js';
import { LocalChannel } from './local-channel.js';
import { OwnDispatcher } from './own-dispatcher.js';

export interface OwnReactorParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  /** The worker's, and so the reactor's. */
  readonly id: WorkerId;
  readonly table: ConnectionTable;
  readonly counters: Counters;
  /** What the options of listeners name, imported before this process changed its root directory. */
  readonly functions: UserFunctions | undefined;
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
  #acceptor: Acceptor | undefined;
  /** What a program has listened on before `serve`. */
  readonly #early: (() => void)[] = [];
  #router: ReactorRouter | undefined;
  /** Sockets that it accepts from, by name. */
  readonly #listening = new Set<string>();
  #quiesced = false;
  #allClosed: () => void = () => {};

  constructor(parts: OwnReactorParts) {
    const { context } = parts;
    const schedule = (deliver: () => void) => this.#reactor.defer(deliver);
    [this.channel, this.#far] = LocalChannel.pair(
      // What clients send comes when nothing else goes on. All else may come of what a handler does: it waits for its end.
      { direct: ({ type }) => type === RECEIVE || type === DATAGRAM, schedule },
      { direct: () => true, schedule },
    ) as [LocalChannel, LocalChannel];
    this.#parts = parts;
    this.#limit = new LogLimit(context);
  }

  get connections(): number {
    return this.#router?.connections ?? 0;
  }

  /** Accepts clients from here on. The rings of this reactor's name are the worker's by now. */
  serve(): void {
    const { context, child, topology, id, functions } = this.#parts;
    if (functions === undefined) throw new Error('A reactor needs the functions of its listeners.');
    const { enableDelayReceive, heartbeatCheckInterval, lingerTime, maxWaitTime, dispatchMode } =
      context.options;
    const { ports } = context;
    const { workers } = publishedSize(this.#parts.counters);
    const datagrams = this.#socketsOf(workers).map(([name = ''], port) =>
      ports[port]?.type === 'datagram' ? new BoundDatagram({ fd: child.descriptor(name) }) : undefined,
    );
    const descriptors = Object.fromEntries(child.descriptors);
    const keys = child.descriptors.get(KEYS);
    const readTls = () => (keys === undefined ? [] : readKeys(keys));
    const tls = readTls();
    const index = reactorOfWorker(id);
    const dispatch = { dispatchMode, dispatchKey: undefined, stickTable: undefined };
    const data = { index, topology, descriptors, ports, datagrams, sockets: [], tls, ...dispatch };
    const times = {
      enableDelayReceive,
      heartbeatCheckInterval,
      lingerTime,
      maxWaitTime,
      retryRequests: false,
    };
    const { maxConnections, startSessionId, maxClientMessages, maxClientBytes } = context.options;
    const { reservedDescriptors } = context.options;
    const limits = {
      maxConnections,
      startSessionId,
      maxClientMessages,
      maxClientBytes,
      reservedDescriptors,
      memoryLimits: memoryLimitsOf(context.options),
    };
    this.#router = new ReactorRouter(this.#reactor, { ...data, ...times, ...limits }, functions, {
      host: this,
      channel: this.#far,
      readTls,
      createDispatcher: (parts) => new OwnDispatcher(parts, id),
    });
    process.on('exit', this.#flush);
    // Up to now the process before this one may have given out session ids.
    this.#acceptor = this.#acceptorOf(this.#router);
    this.resize(workers);
    for (const open of this.#early.splice(0)) open();
  }

  /**
   * A program listens in one more place, by a socket of the master's that is this process's from here on: its clients come as sessions that
   * speak HTTP. Returns what ends that.
   */
  readonly listen = (listener: ListenerIndex, fd: number, host: string): (() => void) => {
    const socket = new Listener({ fd });
    let isShut = false;
    const open = () => {
      if (isShut || this.#acceptor === undefined) return;
      // Nobody would be let in by it: clients are to go to the sockets of others.
      if (this.#quiesced) return socket.close();
      const { topology, id, counters } = this.#parts;
      // Several workers accept by the socket of a path.
      const isShared = socket.path !== undefined && topology.workers > 1;
      const share = isShared ? new FairShare(counters, reactorOfWorker(id)) : undefined;
      this.#router?.listens(listener, 'http', host);
      this.#acceptor.listen(this.#reactor, socket, listener, share);
    };
    if (this.#acceptor === undefined) this.#early.push(open);
    else open();
    return () => {
      isShut = true;
      if (this.#acceptor === undefined) socket.close();
      else this.#acceptor.shut(socket);
    };
  };

  /** There are so many workers: accepts from the sockets that are this one's then, beside those that it has. */
  resize(workers: number): void {
    if (this.#acceptor === undefined || this.#quiesced) return;
    const { context, child, topology, id, counters } = this.#parts;
    for (const [port, names] of this.#socketsOf(Math.max(1, workers)).entries()) {
      if (context.ports[port]?.type === 'datagram') continue;
      const shared = topology.base?.[port] !== true && topology.workers > 1;
      for (const name of names) {
        if (this.#listening.has(name)) continue;
        this.#listening.add(name);
        const share = shared ? new FairShare(counters, reactorOfWorker(id)) : undefined;
        const listener = new Listener({ fd: child.descriptor(name) });
        this.#acceptor.listen(this.#reactor, listener, asListener(port), share);
      }
    }
  }

  /** The names of its sockets, by listener. */
  #socketsOf(workers: number): string[][] {
    const { topology, id } = this.#parts;
    return socketNames(topology.base ?? [], id, { started: topology.startWorkers, workers });
  }

  /** Takes no more clients, and reads no more from those that there are. */
  quiesce(): void {
    this.#quiesced = true;
    this.#acceptor?.close();
    this.#router?.quiesce();
  }

  /** Resolves when every client has got what it was to get and is closed, and its `close` event is with the worker. */
  async closeAll(): Promise<void> {
    if (this.#router === undefined) return;
    this.channel.resume();
    const { maxWaitTime } = this.#parts.context.options;
    await new Promise<void>((resolve) => {
      this.#allClosed = resolve;
      this.#router?.stop(maxWaitTime);
    });
    this.channel.deliverNow();
  }

  /** A program may answer and exit: what it has sent is not sent by the kernel yet. */
  readonly #flush = () => {
    this.#router?.flush();
  };

  /** Gives everything up, connections included. */
  close(): void {
    process.off('exit', this.#flush);
    this.#acceptor?.close();
    this.#router?.close();
    this.channel.destroy();
    this.#reactor.close();
  }

  ready(): void {}

  gone(session: SessionId): void {
    this.#acceptor?.gone(session);
  }

  log(kind: string, text: string): void {
    this.#limit.warn(kind, text);
  }

  /** The manager replaces the process, and has every reactor empty what lies between before the next begins. */
  corrupt(peer: PeerId, why: string): void {
    const { topology, id, child } = this.#parts;
    this.#limit.warn('corrupt', corruptLink(topology, peer, reactorOfWorker(id), why));
    // Neither the manager nor the master can be replaced for it: this process is, which shares that ring with them.
    const replaced = peer < processesOf(topology) ? peer : id;
    child.send({ type: 'linkCorrupt', peer: replaced } satisfies FromWorker);
  }

  /** The process of a peer has ended, and the next waits. Returns whether this reactor has the rings open. */
  reset(peer: PeerId): boolean {
    this.#router?.reset(peer);
    return this.#router !== undefined;
  }

  remindOfCorrupt(peer: PeerId): void {
    this.#router?.remindOfCorrupt(peer);
  }

  resetDone(): void {}

  workerSettled(): void {}

  resized(): void {}

  stopped(): void {
    this.#allClosed();
  }

  #acceptorOf(router: ReactorRouter): Acceptor {
    const { context, id, table, counters } = this.#parts;
    const { maxConnections, startSessionId, reservedDescriptors } = context.options;
    return ownAcceptor({
      index: reactorOfWorker(id),
      counters,
      own: router.counters,
      maxConnections,
      capacity: table.capacity,
      firstSession: startSessionId,
      log: new AcceptLog(this.#limit, maxConnections),
      lastDescriptor: lastForClients(reservedDescriptors),
      take: (fd, session, port, peer) => router.accept(fd, session, port, peer),
    });
  }
}
