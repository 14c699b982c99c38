import type {
  CloseReason,
  ConnectionHandlers,
  InetAddress,
  Reactor,
  StreamConnection,
  TlsAcceptorOptions,
} from '@millrace/reactor';
import { MAX_DELAY_MS, MIN_DELAY_MS } from '@millrace/timer-heap';
import { asPeer, type ListenerIndex, type PeerId, type SessionId } from '../contract/ids.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import * as packet from '../links/packet.js';
import { CLOSING, FLAG_FULL, CLOSED as SLOT_CLOSED } from '../shared/connection-layout.js';
import type { CounterBlock } from '../shared/counter-block.js';
import { HELD_BACK } from '../shared/counters-layout.js';
import * as trace from '../shared/trace-layout.js';
import type { Client, ClientLink } from './client.js';
import { ClientCommands } from './client-commands.js';
import { ClientRegistration } from './client-registration.js';
import { causeOf } from './close-cause.js';
import { logClosed } from './close-log.js';
import { DatagramPorts } from './datagram-ports.js';
import type { OwnWorker } from './host.js';
import { HttpInput } from './http/http-input.js';
import { RequestDispatch } from './http/request-dispatch.js';
import { Retirements } from './http/retirements.js';
import { WorkerDeaths } from './http/worker-deaths.js';
import { IdleReaper } from './idle-reaper.js';
import { PAUSE_OUTPUT, PAUSE_QUIESCE, PAUSE_SHARE } from './pause-reasons.js';
import {
  type OpenSecure,
  ReactorContext,
  type ReactorThreadData,
  type UserFunctions,
} from './reactor-context.js';
import { Resizes } from './resizes.js';
import { SoleAcceptor } from './sole-acceptor.js';
import { TlsPorts } from './tls-ports.js';

/** Moves messages between the clients of one reactor thread and the workers. */
export class ReactorRouter {
  readonly #context: ReactorContext;
  readonly #commands: ClientCommands;
  readonly #datagrams: DatagramPorts;
  readonly #idleReaper: IdleReaper;
  readonly #tls: TlsPorts;
  readonly #registration: ClientRegistration;
  readonly #deaths: WorkerDeaths;
  readonly #retirements: Retirements;
  readonly #resizes: Resizes;
  readonly #own: OwnWorker | undefined;
  readonly #handlers: ConnectionHandlers<Client, StreamConnection<Client>> = {
    onInput: ({ context }, bytes) => this.#input(context, bytes),
    onFrame: (connection, memory, start, end) => this.#frame(connection, memory, start, end),
    wantsInput: ({ context }) => this.#context.memory.admits(context),
    wantsFrame: ({ context }) => this.#wantsFrame(context),
    onInputEnd: (connection) => this.#askForEnd(connection.context),
    onCongestion: (connection, congested) => this.#congestion(connection.context, congested),
    onOutput: (connection) => this.#output(connection),
    onClose: (connection, reason, error) => this.#closed(connection.context, reason, error),
  };
  #stopping = false;
  /** What it is to do from now on needs Node's loop. */
  wantsLoop = false;
  /** It reads no more from clients, and has told the workers so. */
  #quiesced = false;
  #end: () => void = () => {};
  /** Resolves when the thread is to end. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  /** `own`: the worker that the reactor is part of, in base mode. */
  constructor(reactor: Reactor, data: ReactorThreadData, functions: UserFunctions, own?: OwnWorker) {
    this.#context = new ReactorContext(reactor, data, functions, own);
    this.#own = own;
    this.#deaths = new WorkerDeaths(this.#context);
    this.#retirements = new Retirements(this.#context);
    const requests = new RequestDispatch(this.#context);
    this.#commands = new ClientCommands(this.#context, this.#deaths, this.#retirements, requests);
    this.#resizes = new Resizes(this.#context, this.#deaths, this.#commands);
    this.#datagrams = new DatagramPorts(this.#context);
    this.#idleReaper = new IdleReaper(this.#context);
    this.#tls = new TlsPorts(this.#context);
    const http = new HttpInput(this.#context, requests, this.#handlers, (client) =>
      this.#deaths.lost(client),
    );
    this.#registration = new ClientRegistration(this.#context, this.#tls, this.#handlers, http);
    if (data.sockets.length > 0)
      this.#context.acceptor = new SoleAcceptor(this.#context, (...client) => this.accept(...client));
    const { channels, master } = this.#context;
    for (const [index, channel] of channels.entries()) {
      const peer = asPeer(index);
      if (channel === master) channel.on('message', (message) => this.#fromMaster(message, peer));
      else channel.on('message', (message) => this.#fromProcess(message, peer));
    }
    this.#context.host.ready();
  }

  /** Other certificates for clients to come. */
  replaceTls(tls: readonly (TlsAcceptorOptions | undefined)[]): void {
    this.#tls.replace(tls);
  }

  /** A program listens in one more place, with TLS. */
  openSecure({ listener, socket, host, tls }: OpenSecure): void {
    if (this.#quiesced || this.#stopping) return;
    try {
      this.#tls.open(listener, tls);
    } catch (error) {
      // The master has tried them.
      this.#context.log('tls', `Nobody is let in by listener ${listener}: ${(error as Error).message}`);
      return;
    }
    this.listens(listener, 'http', host);
    this.#context.acceptor?.open(listener, socket);
  }

  /** What is still connected is closed as it is. */
  close(): void {
    this.#context.acceptor?.close();
    this.#tls.close();
    if (this.#context.tls) for (const client of this.#context.clients.all()) client.connection.destroy();
    this.#datagrams.close();
    this.#context.close();
  }

  // From clients ----------------------------------------------------------------------------------------------------

  #input(client: Client, bytes: number): void {
    client.slot.received(this.#context.now());
    this.#context.trace.note(client.session, trace.READ, 0, bytes, 0, 0);
  }

  /** Whether a frame of `client` can be taken now; if not, it is held until that may have changed. */
  #wantsFrame(client: Client): boolean {
    const { dispatcher } = this.#context;
    if (dispatcher.hasShare(client)) return dispatcher.ready(client);
    this.#context.count(HELD_BACK, 1);
    client.pauseFor(PAUSE_SHARE);
    return false;
  }

  #frame(connection: StreamConnection<Client>, memory: Buffer, start: number, end: number): void {
    const client = connection.context;
    const { dispatcher, out } = this.#context;
    this.#context.traffic.received(client.listener, 1, end - start);
    const worker = dispatcher.pick(client, memory, start, end);
    if (worker === 'discard') return;
    if (worker === 'close') {
      client.ensureRare().closedFor = 'dispatch';
      return connection.close();
    }
    client.visits(worker);
    client.slot.dispatched(this.#context.now());
    out.set(packet.RECEIVE, client.session, 0, client.listener).with(memory, start, end);
    out.own = connection.frameIsOwn === true;
    dispatcher.send(client, worker, out);
  }

  /** The client sends no more: every worker that knows it is asked whether it still has something to send. */
  #askForEnd(client: Client): void {
    this.#askWorkerForEnd(client, client.link);
    // Where requests are cut, no other process is answering one.
    if (client.http !== undefined) return;
    for (const worker of client.visited) this.#askWorkerForEnd(client, worker);
  }

  #askWorkerForEnd(client: Client, worker: ClientLink): void {
    client.asks(worker);
    this.#context.trace.note(client.session, trace.DISPATCHED, packet.END, 0, 0, worker.worker);
    worker.channel.send(this.#context.out.set(packet.END, client.session, 0, client.listener));
  }

  #congestion(client: Client, congested: boolean): void {
    client.ensureRare().congested = congested;
    client.slot.queued(client.connection.queuedBytes);
    client.slot.flag(FLAG_FULL, congested);
    // A socket of the program says itself when its client is to be read from, whatever waits for that.
    if (client.http !== undefined) return congested ? undefined : this.#commands.drained(client, true);
    const type = congested ? packet.BUFFER_FULL : packet.BUFFER_EMPTY;
    client.link.channel.send(this.#context.out.set(type, client.session, 0, client.listener));
    if (congested) return client.pauseFor(PAUSE_OUTPUT);
    client.resumeFor(PAUSE_OUTPUT);
    this.#commands.drained(client, true);
  }

  #output({ context: client, queuedBytes }: StreamConnection<Client>): void {
    const now = this.#context.now();
    client.ensureRare().movedAt = now;
    client.slot.sent(now);
    client.slot.queued(queuedBytes);
    this.#context.trace.note(client.session, trace.DRAINED, 0, 0, 0, queuedBytes);
  }

  #closed(client: Client, reason: CloseReason, error: Error | undefined): void {
    const { clients, out, workers, asides } = this.#context;
    const told = this.#reason(client, reason);
    const index = packet.CLOSE_REASONS.indexOf(told);
    clients.delete(client);
    // Before the table says so: who finds it closed there finds this.
    this.#context.trace.note(client.session, trace.CLOSED, 0, 0, 0, index);
    client.slot.change({ state: SLOT_CLOSED, reason: index });
    for (const worker of workers) worker.forget(client);
    for (const aside of asides) aside.forget(client);
    this.#context.memory.forget(client);
    client.owner.countConnection(-1);
    this.#context.traffic.closed(client.listener, causeOf(client, told, error));
    client.link.channel.send(
      out.set(packet.CLOSED, client.session, this.#toWorker(client, index), client.listener),
    );
    for (const worker of client.visited)
      worker.channel.send(out.set(packet.FORGET, client.session, index, client.listener));
    this.#commands.drained(client, false);
    this.#tls.forget(client.session);
    this.#context.gone(client.session);
    logClosed(this.#context, client, told, error);
    if (this.#stopping && clients.size === 0) this.#over();
  }

  #reason(client: Client, reason: CloseReason): packet.SessionCloseReason {
    const { closedFor, closedByWorker } = client.rare;
    if (closedFor) return closedFor;
    if (reason !== 'local') return reason;
    if (closedByWorker || client.http?.outputEnded === true)
      return client.connection.inputEnded ? 'peer' : 'server';
    return 'shutdown';
  }

  /** A socket of the program that has ended its sending before is not broken by the end of the connection, whoever ended first. */
  #toWorker({ http }: Client, reason: number): number {
    const isPeer = reason === packet.CLOSE_REASONS.indexOf('peer');
    return isPeer && http?.outputEnded === true ? packet.CLOSE_REASONS.indexOf('server') : reason;
  }

  // From other processes --------------------------------------------------------------------------------------------

  #fromProcess(message: packet.Packet, peer: PeerId): void {
    const { type } = message;
    try {
      if (type === packet.SEND_TO) this.#datagrams.send(message, peer);
      else if (type === packet.TAKEN) this.#taken(message.aux, peer);
      else if (type === packet.RETIRE) this.#retire(message, peer);
      else if (packet.isForClient(type)) this.#commands.take(message, peer);
      else throw new packet.PacketError(`There is no packet of type ${type} for a reactor context.`);
    } catch (error) {
      if (!(error instanceof packet.PacketError)) throw error;
      this.#context.distrust(peer, error);
    }
  }

  #taken(last: number, peer: PeerId): void {
    const worker = this.#context.linkOf(peer);
    if (worker === undefined) return;
    worker.taken(last);
    if (this.#deaths.someAway) this.#deaths.isBack(worker);
  }

  #fromMaster(message: packet.Packet, peer: PeerId): void {
    switch (message.type) {
      case packet.ACCEPTED: {
        const [remotePort, host] = message.text().split(' ') as [string, string];
        return this.accept(message.aux, message.session, message.listener, {
          host,
          port: Number(remotePort),
        });
      }
      case packet.LISTEN:
        return this.#context.acceptor?.listen();
      case packet.OPEN_LISTENER:
        return this.#open(message);
      case packet.CLOSE_LISTENER:
        this.#tls.shut(message.listener);
        return this.#context.acceptor?.shut(message.listener);
      case packet.ENTER_LOOP:
        return this.#enterLoop();
      case packet.WORKER_DIED:
        return this.#workerDied(packet.peerIn(message));
      case packet.WORKER_REPLACED:
        return this.#introduce(this.#context.workers[packet.workerIn(message)] as ClientLink);
      case packet.RESIZE:
        this.#resizes.resize(message.aux);
        return this.#context.host.resized();
      case packet.WORKER_GONE:
        return this.#resizes.gone(packet.workerIn(message), message.session === 1);
      case packet.RESET:
        return this.reset(packet.peerIn(message));
      case packet.QUIESCE:
        this.quiesce();
        return this.#sayLast();
      case packet.STOP:
        return this.stop(packet.fromStopTime(message.aux));
      case packet.KEYS_CHANGED:
        return this.#readTls();
      default:
        return this.#fromProcess(message, peer);
    }
  }

  /** A program listens in one more place. The master accepts there, unless this is the only reactor. */
  #open(message: packet.Packet): void {
    const [protocol, host] = message.text().split(' ') as [StatefulProtocol, string];
    this.listens(message.listener, protocol, host);
    this.#context.acceptor?.open(message.listener, message.aux);
  }

  /** That is what the clients of a program's listener speak, and where it listens. */
  listens(listener: ListenerIndex, protocol: StatefulProtocol, host: string): void {
    this.#context.listens(listener, protocol, host);
    this.#registration.forgetKind(listener);
  }

  /** Blocking, nothing comes by the thread's port, and node:tls does nothing. */
  #enterLoop(): void {
    const { reactor } = this.#context;
    if (reactor.mode === 'node' || this.#stopping) return;
    this.wantsLoop = true;
    reactor.stop();
  }

  #readTls(): void {
    try {
      this.replaceTls(this.#own?.readTls() ?? []);
    } catch (error) {
      this.#context.log('tls', `${(error as Error).message} New clients get the certificates from before.`);
    }
  }

  /** Takes a new client over, from a listener. */
  accept(fd: number, session: SessionId, listener: ListenerIndex, peer: InetAddress): void {
    this.#registration.accept(fd, session, listener, peer);
  }

  /** A worker gives its place up. What it has sent before is done before. */
  #retire(message: packet.Packet, peer: PeerId): void {
    this.#commands.flush();
    this.#retirements.retire(this.#context.workers[peer], message);
  }

  /** What it has sent before it died counts. */
  #workerDied(peer: PeerId): void {
    const link = this.#context.linkOf(peer);
    if (link !== undefined) {
      this.#context.workers[link.worker]?.channel.deliverNow();
      link.channel.deliverNow();
      this.#commands.flush();
      if (link.peer === link.worker) this.#deaths.died(link);
      else this.#retiredDied(link);
    }
    this.#context.host.workerSettled(peer);
  }

  #retiredDied(aside: ClientLink): void {
    this.#deaths.retiredDied(aside, (client) => this.#retirements.handBack(client, aside));
    this.#retirements.ended(aside);
  }

  /** Tells the replacement of a dead worker which connections it has, and which of them wait to be closed by it. */
  #introduce(worker: ClientLink): void {
    const { clients, out } = this.#context;
    worker.replaced();
    this.#context.remindOfCorrupt(worker.worker);
    this.#context.wakePeers();
    for (const client of clients.all()) {
      const { http } = client;
      if (http?.dropped) continue;
      // Where requests are cut, it compares that with what it has found.
      const aux = http === undefined ? 0 : packet.pieceAux(http.sent, 0);
      if (client.link === worker)
        worker.channel.send(out.set(packet.ADOPT, client.session, aux, client.listener).with(client.address));
      if (client.awaits(worker)) this.#askWorkerForEnd(client, worker);
    }
    if (this.#deaths.someAway) worker.askWhetherBack();
    this.#resizes.introduced(worker);
    // The process before it may have read that already.
    if (this.#quiesced) worker.channel.send(out.set(packet.LAST, 0));
  }

  /**
   * Reads no more messages from clients. What a server of the program has begun to read it reads to its end, and the connection ends with
   * the answer: the worker sees to that.
   */
  quiesce(): void {
    this.#quiesced = true;
    this.#context.acceptor?.close();
    this.#registration.quiesce();
    this.#datagrams.pause();
    this.#tls.close();
    for (const client of this.#context.clients.all())
      if (client.http === undefined) client.pauseFor(PAUSE_QUIESCE);
  }

  #sayLast(): void {
    const { workers, out } = this.#context;
    for (const { channel } of workers) channel.send(out.set(packet.LAST, 0));
  }

  /** The process of a peer has ended, and the next has not begun: what lies between is emptied. */
  reset(peer: PeerId): void {
    const worker = this.#context.workers[peer];
    if (worker !== undefined) this.#deaths.emptied(worker);
    this.#context.reset(peer);
  }

  /** Says once more of a process that nothing is taken from it, where that is so. */
  remindOfCorrupt(peer: PeerId): void {
    this.#context.remindOfCorrupt(peer);
  }

  /** Sends clients what is held for them until the end of the turn. */
  flush(): void {
    this.#commands.flush();
  }

  /** What this reactor counts. */
  get counters(): CounterBlock {
    return this.#context.counters;
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#context.clients.size;
  }

  /** Sends what is left to send, within `timeoutMs`, and closes every connection. */
  stop(timeoutMs: number): void {
    const { channels, master, clients, reactor } = this.#context;
    // The processes have ended, or send to others from now on; their last answers may still be in the rings.
    for (const channel of channels) if (channel !== master) channel.deliverNow();
    this.#commands.flush();
    this.#stopping = true;
    this.#idleReaper.stop();
    this.#deaths.close();
    for (const client of clients.all()) {
      client.slot.change({ state: CLOSING });
      client.connection.close();
    }
    if (clients.size === 0 || timeoutMs === 0) return this.#over();
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    reactor.timers.after(Math.min(Math.max(timeoutMs, MIN_DELAY_MS), MAX_DELAY_MS), () => this.#over());
  }

  #over(): void {
    this.#context.host.stopped();
    this.#end();
  }
}
