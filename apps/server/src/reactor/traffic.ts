import type { TLSSocket } from 'node:tls';
import { syscalls } from '@millrace/native';
import {
  type CloseReason,
  Connection,
  type ConnectionHandlers,
  createFramer,
  type Reactor,
  type StreamConnection,
  type TlsAcceptorOptions,
  TlsConnection,
} from '@millrace/reactor';
import { LINK_LIMIT, READ_BYTES } from '../constants.js';
import * as packet from '../packet.js';
import {
  CLOSING,
  FLAG_FULL,
  FLAG_PAUSED,
  CLOSED as SLOT_CLOSED,
  OPEN as SLOT_OPEN,
} from '../shared/connection-layout.js';
import { ConnectionSlot } from '../shared/connection-table.js';
import { CLOSED, RECEIVED_BYTES } from '../shared/counters-layout.js';
import { addressOf, Client } from './client.js';
import { logClosed } from './close-log.js';
import { DatagramPorts } from './datagram-ports.js';
import { HOLD_OUTPUT, HOLD_QUIESCE, HOLD_USER } from './holds.js';
import type { OwnWorker } from './host.js';
import { Orders } from './orders.js';
import { Sweep } from './sweep.js';
import { type ReactorThreadData, Thread, type UserFunctions } from './thread.js';
import { TlsPorts } from './tls-ports.js';
import type { WorkerLink } from './worker-link.js';

/** Moves messages between the clients of one reactor thread and the workers. */
export class Traffic {
  readonly #thread: Thread;
  readonly #orders: Orders;
  readonly #datagrams: DatagramPorts;
  readonly #sweep: Sweep;
  readonly #tls: TlsPorts;
  readonly #own: OwnWorker | undefined;
  readonly #readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #handlers: ConnectionHandlers<Client, StreamConnection<Client>> = {
    onFrame: (connection, memory, start, end) => this.#frame(connection, memory, start, end),
    wantsFrame: (connection) => this.#thread.dispatcher.ready(connection.context),
    onInputEnd: (connection) => this.#askForEnd(connection.context),
    onCongestion: (connection, congested) => this.#congestion(connection.context, congested),
    onOutput: (connection) => this.#output(connection),
    onClose: (connection, reason, error) => this.#closed(connection.context, reason, error),
  };
  #quiesced = false;
  #stopping = false;
  #end: () => void = () => {};
  /** Resolves when the thread is to end. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  /** `own`: the worker that the reactor is part of, in base mode. */
  constructor(reactor: Reactor, data: ReactorThreadData, functions: UserFunctions, own?: OwnWorker) {
    this.#thread = new Thread(reactor, data, functions, own);
    this.#own = own;
    this.#orders = new Orders(this.#thread);
    this.#datagrams = new DatagramPorts(this.#thread);
    this.#sweep = new Sweep(this.#thread);
    this.#tls = new TlsPorts(this.#thread);
    const { channels, master } = this.#thread;
    for (const [peer, channel] of channels.entries()) {
      if (channel === master) channel.onMessage((message) => this.#fromMaster(message, peer));
      else channel.onMessage((message) => this.#fromProcess(message, peer));
    }
    this.#thread.host.ready();
  }

  /** Other certificates for clients to come. */
  replaceTls(tls: readonly (TlsAcceptorOptions | undefined)[]): void {
    this.#tls.replace(tls);
  }

  /** What is still connected is closed as it is. */
  close(): void {
    this.#tls.close();
    if (this.#thread.tls)
      for (const client of [...this.#thread.clients.values()]) client.connection.destroy();
    this.#datagrams.close();
    this.#thread.close();
  }

  // From clients ----------------------------------------------------------------------------------------------------

  #frame(connection: StreamConnection<Client>, memory: Buffer, start: number, end: number): void {
    const client = connection.context;
    const { dispatcher, out } = this.#thread;
    const now = this.#thread.now();
    client.slot.received(now);
    this.#thread.count(RECEIVED_BYTES, end - start);
    const worker = dispatcher.pick(client, memory, start, end);
    if (worker === 'discard') return;
    if (worker === 'close') {
      client.closedFor = 'dispatch';
      return connection.close();
    }
    if (worker !== client.home) client.visited.add(worker);
    client.last = worker;
    client.slot.dispatched(now);
    worker.dispatch(out.set(packet.RECEIVE, client.session, 0, client.port).with(memory, start, end));
  }

  /** The client sends no more: every worker that knows it is asked whether it still has something to send. */
  #askForEnd(client: Client): void {
    client.endings.clear();
    for (const worker of [client.home, ...client.visited]) this.#askWorkerForEnd(client, worker);
  }

  #askWorkerForEnd(client: Client, worker: WorkerLink): void {
    client.endings.add(worker);
    worker.channel.send(this.#thread.out.set(packet.END, client.session, 0, client.port));
  }

  #congestion(client: Client, congested: boolean): void {
    client.congested = congested;
    client.slot.queued(client.connection.queuedBytes);
    client.slot.flag(FLAG_FULL, congested);
    const type = congested ? packet.BUFFER_FULL : packet.BUFFER_EMPTY;
    client.home.channel.send(this.#thread.out.set(type, client.session, 0, client.port));
    if (congested) return client.hold(HOLD_OUTPUT);
    client.release(HOLD_OUTPUT);
    this.#orders.drained(client, true);
  }

  #output({ context: client, queuedBytes }: StreamConnection<Client>): void {
    const now = this.#thread.now();
    client.movedAt = now;
    client.slot.sent(now);
    client.slot.queued(queuedBytes);
  }

  #closed(client: Client, reason: CloseReason, error: Error | undefined): void {
    const { clients, out, host, workers } = this.#thread;
    const told = this.#reason(client, reason);
    const index = packet.CLOSE_REASONS.indexOf(told);
    clients.delete(client.session);
    client.slot.change({ state: SLOT_CLOSED, reason: index });
    for (const worker of workers) worker.forget(client);
    client.home.countConnection(-1);
    this.#thread.count(CLOSED, 1);
    client.home.channel.send(out.set(packet.CLOSED, client.session, index, client.port));
    for (const worker of client.visited)
      worker.channel.send(out.set(packet.FORGET, client.session, index, client.port));
    this.#orders.drained(client, false);
    this.#tls.forget(client.session);
    host.gone(client.session);
    logClosed(this.#thread, client, told, error);
    if (this.#stopping && clients.size === 0) this.#over();
  }

  #reason(client: Client, reason: CloseReason): packet.SessionCloseReason {
    if (client.closedFor) return client.closedFor;
    if (reason !== 'local') return reason;
    if (client.closedByWorker) return client.connection.inputEnded ? 'peer' : 'server';
    return 'shutdown';
  }

  // From other processes --------------------------------------------------------------------------------------------

  #fromProcess(message: packet.Packet, peer: number): void {
    if (message.type === packet.SEND_TO) this.#datagrams.send(message);
    else this.#orders.take(message, peer);
  }

  #fromMaster(message: packet.Packet, peer: number): void {
    switch (message.type) {
      case packet.ACCEPTED: {
        const [remotePort, host] = message.text().split(' ') as [string, string];
        return this.accept(message.aux, message.session, message.port, host, Number(remotePort));
      }
      case packet.WORKER_REPLACED:
        return this.#introduce(this.#thread.workers[message.aux] as WorkerLink);
      case packet.QUIESCE:
        this.quiesce();
        return this.#sayLast();
      case packet.STOP:
        return this.stop(message.aux);
      case packet.KEYS_CHANGED:
        return this.replaceTls(this.#own?.readTls() ?? []);
      default:
        return this.#fromProcess(message, peer);
    }
  }

  /** Takes a new client over, from listener `port`. */
  accept(fd: number, session: number, port: number, host: string, remotePort: number): void {
    if (!this.#tls.has(port)) return this.#connected(fd, session, port, host, remotePort);
    this.#tls.accept(fd, session, port, String(addressOf(host, remotePort)), {
      secured: (socket) => this.#connected(socket, session, port, host, remotePort),
      failed: () => this.#neverOpened(session),
    });
  }

  /** A client is there, by a descriptor or a TLS socket. */
  #connected(by: number | TLSSocket, session: number, port: number, host: string, remotePort: number): void {
    const { reactor, dispatcher, clients, out, data } = this.#thread;
    const home = dispatcher.home(session, host);
    // It was in the middle of its handshake when the workers were told that no more comes.
    if (this.#quiesced && typeof by !== 'number') return this.#neverOpened(session, by);
    if (home.channel.queuedBytes > LINK_LIMIT) return this.#turnAway(by, session, home);
    const slot = this.#slot(session, port, home, host, remotePort);
    const client = new Client(session, port, home, addressOf(host, remotePort), slot);
    const { packageMaxLength, bufferHighWatermark, bufferLowWatermark } = this.#thread.port(port);
    const options = {
      framer: createFramer(this.#thread.framings[port] ?? { kind: 'none' }, packageMaxLength),
      readMemory: this.#readMemory,
      highWaterMark: bufferHighWatermark,
      lowWaterMark: bufferLowWatermark,
      // Whoever sends has its own limit before; see Orders.
      maxOutput: Number.MAX_SAFE_INTEGER,
      handlers: this.#handlers,
      context: client,
    };
    client.connection =
      typeof by === 'number' ? new Connection(reactor, by, options) : new TlsConnection(reactor, by, options);
    clients.set(session, client);
    home.countConnection(1);
    home.channel.send(out.set(packet.CONNECT, session, 0, port).with(client.address));
    if (data.enableDelayReceive) client.hold(HOLD_USER);
    if (this.#quiesced) client.hold(HOLD_QUIESCE);
  }

  #slot(session: number, port: number, home: WorkerLink, host: string, remotePort: number): ConnectionSlot {
    return new ConnectionSlot(this.#thread.table, {
      state: SLOT_OPEN,
      port,
      reactor: this.#thread.data.index,
      worker: home.worker,
      uid: 0,
      flags: this.#thread.data.enableDelayReceive ? FLAG_PAUSED : 0,
      reason: 0,
      remotePort,
      tlsCell: this.#tls.cellOf(session),
      session,
      connectTime: this.#thread.now(),
      host,
    });
  }

  /** The worker does not even read that clients come and go; what it would be told must not pile up. */
  #turnAway(by: number | TLSSocket, session: number, link: WorkerLink): void {
    this.#neverOpened(session, by);
    const text = `Turned a client away: worker ${link.worker} has not read for long, ${LINK_LIMIT} bytes wait for it`;
    this.#thread.log('worker-stuck', text);
  }

  /** A connection goes that no worker has heard of. */
  #neverOpened(session: number, by?: number | TLSSocket): void {
    if (typeof by === 'number') syscalls.close(by);
    else by?.destroy();
    this.#tls.forget(session);
    this.#thread.count(CLOSED, 1);
    this.#thread.host.gone(session);
  }

  /** Tells the replacement of a dead worker which connections it has, and which of them wait to be closed by it. */
  #introduce(worker: WorkerLink): void {
    const { clients, out } = this.#thread;
    worker.replaced();
    for (const client of clients.values()) {
      if (client.home === worker)
        worker.channel.send(out.set(packet.ADOPT, client.session, 0, client.port).with(client.address));
      if (client.endings.has(worker)) this.#askWorkerForEnd(client, worker);
    }
  }

  /** Reads no more from clients. */
  quiesce(): void {
    this.#quiesced = true;
    this.#datagrams.pause();
    this.#tls.close();
    for (const client of this.#thread.clients.values()) client.hold(HOLD_QUIESCE);
  }

  #sayLast(): void {
    const { workers, out } = this.#thread;
    for (const { channel } of workers) channel.send(out.set(packet.LAST, 0));
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#thread.clients.size;
  }

  /** Sends what is left to send, within `timeoutMs`, and closes every connection. */
  stop(timeoutMs: number): void {
    const { channels, master, clients, reactor } = this.#thread;
    // The processes have ended, or send to others from now on; their last answers may still be in the rings.
    for (const channel of channels) if (channel !== master) channel.deliverNow();
    this.#orders.flush();
    this.#stopping = true;
    this.#sweep.stop();
    for (const client of [...clients.values()]) {
      client.slot.change({ state: CLOSING });
      client.connection.close();
    }
    if (clients.size === 0 || timeoutMs < 1) return this.#over();
    reactor.timers.after(timeoutMs, () => this.#over());
  }

  #over(): void {
    this.#thread.host.stopped();
    this.#end();
  }
}
