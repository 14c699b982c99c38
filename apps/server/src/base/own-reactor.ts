import type { ChildProcessContext } from '@millrace/process-pool';
import { BoundDatagram, Listener, Reactor } from '@millrace/reactor';
import { AcceptLog } from '../accept-log.js';
import type { FromWorker } from '../control-messages.js';
import type { FabricShape } from '../fabric.js';
import { KEYS, processesOf } from '../fabric.js';
import { corruptLink } from '../link-descriptors.js';
import { LogLimit } from '../log.js';
import { lastForClients } from '../open-files.js';
import { DATAGRAM, RECEIVE } from '../packet.js';
import type { PacketChannel } from '../packet-channel.js';
import type { ReactorHost } from '../reactor/host.js';
import { memoryLimitsOf } from '../reactor/memory-guard.js';
import { OwnAcceptor } from '../reactor/own-acceptor.js';
import type { UserFunctions } from '../reactor/thread.js';
import { Traffic } from '../reactor/traffic.js';
import type { RoleContext } from '../role.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import { FairShare } from './fair-share.js';
import { readKeys } from './keys.js';
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
  #acceptor: OwnAcceptor | undefined;
  #traffic: Traffic | undefined;
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
    return this.#traffic?.connections ?? 0;
  }

  /** Accepts clients from here on. The rings of this reactor's name are the worker's by now. */
  serve(): void {
    const { context, child, shape, id, functions } = this.#parts;
    if (functions === undefined) throw new Error('A reactor needs the functions of its listeners.');
    const { enableDelayReceive, heartbeatCheckInterval, lingerTime, dispatchMode } = context.options;
    const { ports } = context;
    const sockets = socketNames(shape.base ?? [], id).map((name) => child.descriptor(name));
    const datagrams = sockets.map((fd, port) =>
      ports[port]?.type === 'datagram' ? new BoundDatagram({ fd }) : undefined,
    );
    const descriptors = Object.fromEntries(child.descriptors);
    const keys = child.descriptors.get(KEYS);
    const readTls = () => (keys === undefined ? [] : readKeys(keys));
    const tls = readTls();
    const data = { index: id, shape, descriptors, ports, datagrams, sockets: [], tls, dispatchMode };
    const times = { enableDelayReceive, heartbeatCheckInterval, lingerTime };
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
    this.#traffic = new Traffic(this.#reactor, { ...data, ...times, ...limits }, functions, {
      host: this,
      channel: this.#far,
      readTls,
      createDispatcher: (parts) => new OwnDispatcher(parts, id),
    });
    // Up to now the process before this one may have given out session ids.
    this.#acceptor = this.#acceptorOf(this.#traffic);
    for (const [port, fd] of sockets.entries()) {
      if (datagrams[port] !== undefined) continue;
      const shared = shape.base?.[port] !== true && shape.workers > 1;
      const share = shared ? new FairShare(this.#parts.counters, id) : undefined;
      this.#acceptor.listen(this.#reactor, new Listener({ fd }), port, share);
    }
  }

  /** Takes no more clients, and reads no more from those that there are. */
  quiesce(): void {
    this.#acceptor?.close();
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
    this.#acceptor?.close();
    this.#traffic?.close();
    this.channel.destroy();
    this.#reactor.close();
  }

  ready(): void {}

  gone(session: number): void {
    this.#acceptor?.gone(session);
  }

  log(kind: string, text: string): void {
    this.#limit.warn(kind, text);
  }

  /** The manager replaces the process, and has every reactor empty what lies between before the next begins. */
  corrupt(peer: number, why: string): void {
    const { shape, id, child } = this.#parts;
    this.#limit.warn('corrupt', corruptLink(shape, peer, id, why));
    // Neither the manager nor the master can be replaced for it: this process is, which shares that ring with them.
    const replaced = peer < processesOf(shape) ? peer : id;
    child.send({ type: 'linkCorrupt', peer: replaced } satisfies FromWorker);
  }

  /** The process of a peer has ended, and the next waits. Returns whether this reactor has the rings open. */
  reset(peer: number): boolean {
    this.#traffic?.reset(peer);
    return this.#traffic !== undefined;
  }

  remindOfCorrupt(peer: number): void {
    this.#traffic?.remindOfCorrupt(peer);
  }

  resetDone(): void {}

  stopped(): void {
    this.#allClosed();
  }

  #acceptorOf(traffic: Traffic): OwnAcceptor {
    const { context, id, table, counters } = this.#parts;
    const { maxConnections, startSessionId, reservedDescriptors } = context.options;
    return new OwnAcceptor({
      index: id,
      counters,
      own: traffic.counters,
      maxConnections,
      capacity: table.capacity,
      firstSession: startSessionId,
      log: new AcceptLog(this.#limit, maxConnections),
      lastDescriptor: lastForClients(reservedDescriptors),
      take: (fd, session, port, peer) => traffic.accept(fd, session, port, peer),
    });
  }
}
