import type {
  CloseReason,
  ConnectionHandlers,
  InetAddress,
  Reactor,
  StreamConnection,
  TlsAcceptorOptions,
} from '@millrace/reactor';
import { MAX_DELAY_MS, MIN_DELAY_MS } from '@millrace/timer-heap';
import * as packet from '../packet.js';
import { CLOSING, FLAG_FULL, CLOSED as SLOT_CLOSED } from '../shared/connection-layout.js';
import type { CounterBlock } from '../shared/counter-block.js';
import { CLOSED, HELD_BACK, RECEIVED_BYTES } from '../shared/counters-layout.js';
import { Admission } from './admission.js';
import type { Client } from './client.js';
import { logClosed } from './close-log.js';
import { DatagramPorts } from './datagram-ports.js';
import { HOLD_OUTPUT, HOLD_QUIESCE, HOLD_SHARE } from './holds.js';
import type { OwnWorker } from './host.js';
import { Orders } from './orders.js';
import { SoleAcceptor } from './sole-acceptor.js';
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
  readonly #admission: Admission;
  readonly #own: OwnWorker | undefined;
  readonly #handlers: ConnectionHandlers<Client, StreamConnection<Client>> = {
    onInput: ({ context }) => context.slot.received(this.#thread.now()),
    onFrame: (connection, memory, start, end) => this.#frame(connection, memory, start, end),
    wantsInput: ({ context }) => this.#thread.memory.admits(context),
    wantsFrame: ({ context }) => this.#wantsFrame(context),
    onInputEnd: (connection) => this.#askForEnd(connection.context),
    onCongestion: (connection, congested) => this.#congestion(connection.context, congested),
    onOutput: (connection) => this.#output(connection),
    onClose: (connection, reason, error) => this.#closed(connection.context, reason, error),
  };
  #stopping = false;
  /** It reads no more from clients, and has told the workers so. */
  #quiesced = false;
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
    this.#admission = new Admission(this.#thread, this.#tls, this.#handlers);
    if (data.sockets.length > 0)
      this.#thread.acceptor = new SoleAcceptor(this.#thread, (...client) => this.accept(...client));
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
    this.#thread.acceptor?.close();
    this.#tls.close();
    if (this.#thread.tls) for (const client of this.#thread.clients.all()) client.connection.destroy();
    this.#datagrams.close();
    this.#thread.close();
  }

  // From clients ----------------------------------------------------------------------------------------------------

  /** Whether a frame of `client` can be taken now; if not, it is held until that may have changed. */
  #wantsFrame(client: Client): boolean {
    const { dispatcher } = this.#thread;
    if (dispatcher.hasShare(client)) return dispatcher.ready(client);
    this.#thread.count(HELD_BACK, 1);
    client.hold(HOLD_SHARE);
    return false;
  }

  #frame(connection: StreamConnection<Client>, memory: Buffer, start: number, end: number): void {
    const client = connection.context;
    const { dispatcher, out } = this.#thread;
    this.#thread.count(RECEIVED_BYTES, end - start);
    const worker = dispatcher.pick(client, memory, start, end);
    if (worker === 'discard') return;
    if (worker === 'close') {
      client.change().closedFor = 'dispatch';
      return connection.close();
    }
    client.visits(worker);
    client.slot.dispatched(this.#thread.now());
    dispatcher.send(
      client,
      worker,
      out.set(packet.RECEIVE, client.session, 0, client.port).with(memory, start, end),
    );
  }

  /** The client sends no more: every worker that knows it is asked whether it still has something to send. */
  #askForEnd(client: Client): void {
    this.#askWorkerForEnd(client, client.home);
    for (const worker of client.visited) this.#askWorkerForEnd(client, worker);
  }

  #askWorkerForEnd(client: Client, worker: WorkerLink): void {
    client.asks(worker);
    worker.channel.send(this.#thread.out.set(packet.END, client.session, 0, client.port));
  }

  #congestion(client: Client, congested: boolean): void {
    client.change().congested = congested;
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
    client.change().movedAt = now;
    client.slot.sent(now);
    client.slot.queued(queuedBytes);
  }

  #closed(client: Client, reason: CloseReason, error: Error | undefined): void {
    const { clients, out, workers } = this.#thread;
    const told = this.#reason(client, reason);
    const index = packet.CLOSE_REASONS.indexOf(told);
    clients.delete(client);
    client.slot.change({ state: SLOT_CLOSED, reason: index });
    for (const worker of workers) worker.forget(client);
    this.#thread.memory.forget(client);
    client.home.countConnection(-1);
    this.#thread.count(CLOSED, 1);
    client.home.channel.send(out.set(packet.CLOSED, client.session, index, client.port));
    for (const worker of client.visited)
      worker.channel.send(out.set(packet.FORGET, client.session, index, client.port));
    this.#orders.drained(client, false);
    this.#tls.forget(client.session);
    this.#thread.gone(client.session);
    logClosed(this.#thread, client, told, error);
    if (this.#stopping && clients.size === 0) this.#over();
  }

  #reason(client: Client, reason: CloseReason): packet.SessionCloseReason {
    const { closedFor, closedByWorker } = client.known;
    if (closedFor) return closedFor;
    if (reason !== 'local') return reason;
    if (closedByWorker) return client.connection.inputEnded ? 'peer' : 'server';
    return 'shutdown';
  }

  // From other processes --------------------------------------------------------------------------------------------

  #fromProcess(message: packet.Packet, peer: number): void {
    const { type } = message;
    try {
      if (type === packet.SEND_TO) this.#datagrams.send(message, peer);
      else if (type === packet.TAKEN) this.#thread.workers[peer]?.taken(message.aux);
      else if (type >= packet.SEND && type < packet.SEND_TO) this.#orders.take(message, peer);
      else throw new packet.PacketError(`There is no packet of type ${type} for a reactor thread.`);
    } catch (error) {
      if (!(error instanceof packet.PacketError)) throw error;
      this.#thread.distrust(peer, error);
    }
  }

  #fromMaster(message: packet.Packet, peer: number): void {
    switch (message.type) {
      case packet.ACCEPTED: {
        const [remotePort, host] = message.text().split(' ') as [string, string];
        return this.accept(message.aux, message.session, message.port, { host, port: Number(remotePort) });
      }
      case packet.LISTEN:
        return this.#thread.acceptor?.listen();
      case packet.WORKER_REPLACED:
        return this.#introduce(this.#thread.workers[message.aux] as WorkerLink);
      case packet.RESET:
        return this.#thread.reset(message.aux);
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

  #readTls(): void {
    try {
      this.replaceTls(this.#own?.readTls() ?? []);
    } catch (error) {
      this.#thread.log('tls', `${(error as Error).message} New clients get the certificates from before.`);
    }
  }

  /** Takes a new client over, from listener `port`. */
  accept(fd: number, session: number, port: number, peer: InetAddress): void {
    this.#admission.accept(fd, session, port, peer);
  }

  /** Tells the replacement of a dead worker which connections it has, and which of them wait to be closed by it. */
  #introduce(worker: WorkerLink): void {
    const { clients, out } = this.#thread;
    worker.replaced();
    this.#thread.remindOfCorrupt(worker.worker);
    this.#thread.wakePeers();
    for (const client of clients.all()) {
      if (client.home === worker)
        worker.channel.send(out.set(packet.ADOPT, client.session, 0, client.port).with(client.address));
      if (client.awaits(worker)) this.#askWorkerForEnd(client, worker);
    }
    // The process before it may have read that already.
    if (this.#quiesced) worker.channel.send(out.set(packet.LAST, 0));
  }

  /** Reads no more from clients. */
  quiesce(): void {
    this.#quiesced = true;
    this.#thread.acceptor?.close();
    this.#admission.quiesce();
    this.#datagrams.pause();
    this.#tls.close();
    for (const client of this.#thread.clients.all()) client.hold(HOLD_QUIESCE);
  }

  #sayLast(): void {
    const { workers, out } = this.#thread;
    for (const { channel } of workers) channel.send(out.set(packet.LAST, 0));
  }

  /** The process of a peer has ended, and the next has not begun: what lies between is emptied. */
  reset(peer: number): void {
    this.#thread.reset(peer);
  }

  /** Says once more of a process that nothing is taken from it, where that is so. */
  remindOfCorrupt(peer: number): void {
    this.#thread.remindOfCorrupt(peer);
  }

  /** What this reactor counts. */
  get counters(): CounterBlock {
    return this.#thread.counters;
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
    for (const client of clients.all()) {
      client.slot.change({ state: CLOSING });
      client.connection.close();
    }
    if (clients.size === 0 || timeoutMs === 0) return this.#over();
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    reactor.timers.after(Math.min(Math.max(timeoutMs, MIN_DELAY_MS), MAX_DELAY_MS), () => this.#over());
  }

  #over(): void {
    this.#thread.host.stopped();
    this.#end();
  }
}
