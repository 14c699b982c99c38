import type { ChannelOptions, Repetition } from '@millrace/channel';
import { findIn, type LinkEnd } from '@millrace/process-pool/links';
import type { BoundDatagram, Framing, Reactor, TlsAcceptorOptions } from '@millrace/reactor';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { LINK_HIGH_WATER, RESTORE_MS } from '../constants.js';
import {
  asPeer,
  asWorker,
  type ListenerIndex,
  type PeerId,
  type ReactorIndex,
  type SessionId,
  type WorkerId,
  workerOfReactor,
} from '../contract/ids.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { Descriptors } from '../links/descriptor-names.js';
import type { FileReceiver } from '../links/file-link.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { ASIDE_LINK, LINK, REACTOR } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { asidePeer, masterPeer, peersOf, type Topology, workerOfAside } from '../links/topology.js';
import type { Dispatch, DispatchMode } from '../options/options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { monotonicNow } from '../process/heartbeat.js';
import { ConnectionSlot, type ConnectionTable } from '../shared/connection-table.js';
import { type CounterBlock, restoredText } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import { TURNED_AT } from '../shared/counters-layout.js';
import type { SessionTrace } from '../shared/session-trace.js';
import type { TlsTable } from '../shared/tls-table.js';
import { AsideLink } from './aside-link.js';
import type { Client, ClientLink } from './client.js';
import { Clients } from './clients.js';
import { createDispatcher, type Dispatcher, type DispatcherParts } from './dispatch.js';
import { FunctionDispatcher } from './dispatch-function.js';
import type { OwnWorker, ReactorHost, ThreadAcceptor } from './host.js';
import { ListenerCounts } from './listener-counts.js';
import { MasterHost } from './master-host.js';
import { MemoryGuard, type MemoryLimits } from './memory-guard.js';
import { SteadyClock } from './steady-clock.js';
import { WorkerLink } from './worker-link.js';

/** What the master tells a reactor thread at its start. */
export interface ReactorThreadData {
  readonly index: ReactorIndex;
  readonly topology: Topology;
  readonly descriptors: Descriptors;
  readonly ports: readonly ResolvedPort[];
  /** The sockets of datagram listeners; undefined where there is none. This thread serves those of its turn. */
  readonly datagrams: readonly (Pick<BoundDatagram, 'fd' | 'address'> | undefined)[];
  /** The sockets that this thread accepts from, being the only one; undefined for datagrams. Empty: the master accepts. */
  readonly sockets: readonly (number | undefined)[];
  readonly maxConnections: number;
  readonly startSessionId: number;
  /** Keys and certificates by listener; undefined where it has no TLS. */
  readonly tls: readonly (TlsAcceptorOptions | undefined)[];
  readonly dispatchMode: DispatchMode;
  readonly dispatchKey: string | undefined;
  /** Which worker has which session of Socket.IO; undefined where there is one alone. */
  readonly stickTable: SharedArrayBuffer | undefined;
  readonly enableDelayReceive: boolean;
  readonly heartbeatCheckInterval: number | undefined;
  readonly lingerTime: number;
  /** Milliseconds that requests wait for a worker that has died. */
  readonly maxWaitTime: number;
  /** Whether a request that went down with its worker is given to another one. */
  readonly retryRequests: boolean;
  readonly maxClientMessages: number;
  readonly maxClientBytes: number;
  readonly reservedDescriptors: number;
  readonly memoryLimits: MemoryLimits;
}

/** A program listens in one more place, with TLS that ends here. */
export interface OpenSecure {
  readonly listener: ListenerIndex;
  readonly socket: number;
  /** Its address. */
  readonly host: string;
  readonly tls: TlsAcceptorOptions;
}

/** By a thread's port, which it listens to where it runs in Node's loop: keys go by no ring. */
export type ToThread =
  | { readonly type: 'replaceTls'; readonly tls: ReactorThreadData['tls'] }
  | ({ readonly type: 'openSecure' } & OpenSecure);

/** The answer to `openSecure`. */
export interface OpenedSecure {
  readonly listener: ListenerIndex;
}

/** The user's functions, from their modules. */
export interface UserFunctions {
  readonly dispatch: Dispatch | undefined;
  /** By listener. */
  readonly framings: readonly Framing[];
}

/** What all parts of a reactor thread share: its clients, and the links to every other process. */
export class ReactorContext {
  readonly reactor: Reactor;
  readonly data: ReactorThreadData;
  readonly framings: readonly Framing[];
  readonly clients: Clients;
  readonly out = new packet.Packet();
  readonly table: ConnectionTable;
  readonly tls: TlsTable | undefined;
  /** Where this thread notes what it does with the messages of sessions that are traced. */
  readonly trace: SessionTrace;
  readonly allCounters: Counters;
  /** This thread's own. */
  readonly counters: CounterBlock;
  readonly traffic: ListenerCounts;
  /** By the place of the worker; which of them get something, the dispatcher knows. */
  readonly workers: readonly ClientLink[];
  /** By worker: to the process that another has replaced, where there are such. */
  readonly asides: readonly ClientLink[];
  /** By peer: the master, then processes aside, are the last. */
  readonly channels: readonly PacketChannel[];
  /** Where files of each peer come. */
  readonly files: readonly FileReceiver[];
  readonly dispatcher: Dispatcher;
  readonly memory: MemoryGuard;
  readonly host: ReactorHost;
  /** Where this is the only thread. */
  acceptor: ThreadAcceptor | undefined;
  /** By peer; none to the worker that this reactor is part of. */
  readonly #ends: (LinkEnd<packet.Packet> | undefined)[] = [];
  readonly #view: OpenedResources;
  readonly #listener: DoorbellListener;
  readonly #restoring: Repetition;
  readonly #clock = new SteadyClock();
  readonly #ports: ResolvedPort[];
  #now = 0;

  constructor(
    reactor: Reactor,
    data: ReactorThreadData,
    { dispatch, framings }: UserFunctions,
    own?: OwnWorker,
  ) {
    this.reactor = reactor;
    this.data = data;
    this.framings = framings;
    const { index, topology, descriptors } = data;
    this.#ports = [...data.ports];
    this.#view = new OpenedResources(topology, REACTOR, index, findIn(descriptors));
    this.#listener = this.#view.listen(reactor.poller, (kind, text) =>
      this.log(kind, `Reactor ${index}: ${text}`),
    );
    this.table = this.#view.connections();
    this.clients = new Clients(this.table.capacity, topology.base ? topology.workers : 1);
    this.tls = this.#view.tls();
    this.trace = this.#view.trace({ reactor: index });
    const counters = this.#view.counters();
    this.allCounters = counters;
    this.counters = counters.keepReactor(index);
    this.traffic = new ListenerCounts(this.counters);
    const options: ChannelOptions = {
      highWaterMark: LINK_HIGH_WATER,
      // Clients are held at the high-water mark; what comes beyond is one message each for events of connections.
      hardLimit: Number.POSITIVE_INFINITY,
      schedule: (flush) => reactor.defer(flush),
    };
    const asides = topology.aside ? topology.workers : 0;
    this.channels = Array.from({ length: peersOf(topology) + asides }, (_, at) => {
      const peer = asPeer(at);
      if (own && peer === workerOfReactor(index)) return own.channel;
      const aside = workerOfAside(topology, peer);
      const end = this.#view.links.end<packet.Packet>(
        aside === undefined ? LINK : ASIDE_LINK,
        aside ?? peer,
        {
          codec: packet.packetCodec(),
          listener: this.#listener,
          poller: reactor.poller,
          channel: options,
          borrowed: true,
          onCorrupt: (error) => this.#corrupt(peer, error),
        },
      );
      this.#ends[peer] = end;
      return end.channel;
    });
    this.files = this.channels.map((_, peer) => this.#view.fileReceiver(asPeer(peer)));
    const slot = new ConnectionSlot(this.table);
    const defer = (callback: () => void) => reactor.defer(callback);
    const link = (peer: PeerId, worker: WorkerId) =>
      [
        worker,
        this.channels[peer] as PacketChannel,
        counters,
        this.counters,
        index,
        defer,
        slot,
        this.trace,
      ] as const;
    const workers = Array.from({ length: topology.workers }, (_, worker) => asWorker(worker));
    this.workers = workers.map((worker) => new WorkerLink<Client>(...link(worker, worker)));
    this.asides = workers.slice(0, asides).map((worker) => {
      const peer = asidePeer(topology, worker);
      return new AsideLink<Client>(peer, ...link(peer, worker));
    });
    const parts = {
      workers: this.workers,
      count: topology.startWorkers,
      asides: this.asides,
      share: { messages: data.maxClientMessages, bytes: data.maxClientBytes },
      counters,
      defer,
    };
    this.dispatcher = own?.createDispatcher(parts) ?? this.#createDispatcher(parts, dispatch);
    this.memory = new MemoryGuard(this, data.memoryLimits);
    this.host = own?.host ?? new MasterHost(reactor, this.master, index);
    this.#restoring = reactor.poller.every(RESTORE_MS, () => this.#eachSecond());
    this.#turned();
    for (const end of this.#ends) end?.begin();
    // The time of a turn is read when it is first asked for, and holds for the whole turn.
    reactor.cycle(() => {
      this.#now = 0;
      this.memory.check();
    });
  }

  get master(): PacketChannel {
    return this.channels[masterPeer(this.data.topology)] as PacketChannel;
  }

  /** The way to that peer, where that is a worker or a process aside. */
  linkOf(peer: PeerId): ClientLink | undefined {
    return this.workers[peer] ?? this.asides[peer - peersOf(this.data.topology)];
  }

  /** Milliseconds since 1970, at this turn, by a clock that no step of the wall clock changes before `followStep`. */
  readonly now = (): number => {
    if (this.#now === 0) this.#now = this.#clock.now();
    return this.#now;
  };

  /** The wall clock may have been set: what is known of times goes with it, so that what lasts lasts as long as before. */
  followStep(): void {
    const step = this.#clock.followStep();
    if (step === 0) return;
    this.#now = 0;
    for (const client of this.clients.all()) client.moveTimes(step);
  }

  port(index: ListenerIndex): ResolvedPort {
    return this.#ports[index] as ResolvedPort;
  }

  /** A program listens there from now on. */
  listens(index: ListenerIndex, protocol: StatefulProtocol, host: string): void {
    this.#ports[index] = { ...this.port(index), protocol, host };
  }

  count(counter: number, by: number): void {
    this.counters.add(counter, by);
  }

  /** A connection is closed: its acceptor is told. */
  gone(session: SessionId): void {
    (this.acceptor ?? this.host).gone(session);
  }

  log(kind: string, text: string): void {
    this.host.log(kind, text);
  }

  /** A process has sent what makes no sense: nothing more is taken from it. */
  distrust(peer: PeerId, error: Error): void {
    const end = this.#ends[peer];
    // Its own worker is this process.
    if (end === undefined) throw error;
    end.distrust(error);
  }

  /** Says once more of a process that nothing is taken from it, where that is so: the process that was told may have died since. */
  remindOfCorrupt(peer: PeerId): void {
    if (this.#ends[peer]?.corrupt) this.host.corrupt(peer, 'it has not been emptied since');
  }

  /** Has every process look at its rings: one that has died may have written over the words that say who sleeps. */
  wakePeers(): void {
    for (const end of this.#ends) end?.poke();
  }

  /** The process of a peer has ended, and the next has not begun: what lies between is emptied. */
  reset(peer: PeerId): void {
    this.resetLink(peer);
    this.host.resetDone(peer);
  }

  /** The same, where nothing waits for it. */
  resetLink(peer: PeerId): void {
    this.#ends[peer]?.reset();
  }

  #eachSecond(): void {
    this.#turned();
    this.trace.expire(monotonicNow());
    this.#restoreCounters();
  }

  #turned(): void {
    // Whole, as all that is counted here: what is no count, a manager that keeps the place takes for written over.
    this.counters.set(TURNED_AT, Math.floor(monotonicNow()));
  }

  #restoreCounters(): void {
    const restored = this.counters.restore();
    if (restored > 0) this.log('counters', restoredText(restored, `reactor ${this.data.index}`));
  }

  #corrupt(peer: PeerId, error: Error): void {
    this.host.corrupt(peer, error.message);
  }

  close(): void {
    for (const channel of this.channels) {
      channel.flush();
      channel.destroy();
    }
    this.#listener.close();
    this.#restoring.close();
    this.#view.close();
  }

  #createDispatcher(parts: DispatcherParts, dispatch: Dispatch | undefined): Dispatcher {
    const { dispatchMode } = this.data;
    if (dispatchMode !== 'function') return createDispatcher(dispatchMode, parts);
    if (dispatch === undefined) throw new TypeError("dispatchMode 'function' without a function");
    return new FunctionDispatcher(parts, dispatch, (text) => this.log('dispatch', text));
  }
}
