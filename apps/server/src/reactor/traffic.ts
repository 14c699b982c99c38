import type { ChannelOptions, TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native';
import {
  type CloseReason,
  Connection,
  type ConnectionHandlers,
  createFramer,
  type Reactor,
} from '@millrace/reactor';
import type { DoorbellListener } from '@millrace/shared-memory';
import { LINK_HIGH_WATER, LINK_LIMIT, LOG_LINE_BYTES, READ_BYTES } from '../constants.js';
import { type Descriptors, type FabricShape, FabricView } from '../fabric.js';
import type { ResolvedPort } from '../options.js';
import * as packet from '../packet.js';
import { Client } from './client.js';
import { HOLD_OUTPUT, HOLD_QUIESCE } from './holds.js';
import { OutputGather } from './output-gather.js';
import { WorkerLink } from './worker-link.js';

export interface ReactorThreadData {
  readonly index: number;
  readonly shape: FabricShape;
  readonly descriptors: Descriptors;
  readonly ports: readonly ResolvedPort[];
}

/** Moves messages between the clients of one reactor thread and the workers. Runs no user code. */
export class Traffic {
  readonly #reactor: Reactor;
  readonly #ports: readonly ResolvedPort[];
  readonly #view: FabricView;
  readonly #listener: DoorbellListener;
  readonly #workers: readonly WorkerLink[];
  readonly #master: TransportChannel<packet.Packet>;
  readonly #clients = new Map<number, Client>();
  readonly #gather = new OutputGather();
  readonly #flushGather = () => this.#gather.flush();
  readonly #readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #out = new packet.Packet();
  readonly #handlers: ConnectionHandlers<Client> = {
    onFrame: (connection, memory, start, end) => this.#frame(connection, memory, start, end),
    wantsFrame: (connection) => this.#wantsFrame(connection),
    onInputEnd: (connection) => this.#inputEnded(connection),
    onCongestion: (connection, congested) => this.#congestion(connection, congested),
    onClose: (connection, reason, error) => this.#closed(connection, reason, error),
  };
  #quiesced = false;
  #stopping = false;

  constructor(reactor: Reactor, { index, shape, descriptors, ports }: ReactorThreadData) {
    this.#reactor = reactor;
    this.#ports = ports;
    this.#view = new FabricView(shape, descriptors);
    this.#listener = this.#view.listen(this.#view.reactorBell(index), reactor.poller);
    const options: ChannelOptions = {
      highWaterMark: LINK_HIGH_WATER,
      // Clients are held at the high-water mark; what comes beyond is one message each for events of connections.
      hardLimit: Number.POSITIVE_INFINITY,
      schedule: (flush) => reactor.defer(flush),
    };
    this.#workers = Array.from({ length: shape.workers }, (_, worker) => {
      const { channel } = this.#view.link('reactor', worker, index, this.#listener, options);
      channel.onMessage((message) => this.#fromWorker(message));
      return new WorkerLink(worker, channel);
    });
    this.#master = this.#view.link('reactor', shape.workers, index, this.#listener, options).channel;
    this.#master.onMessage((message) => this.#fromMaster(message));
    this.#master.send(this.#out.set(packet.READY, 0));
    this.#master.flush();
  }

  close(): void {
    for (const { channel } of this.#workers) channel.destroy();
    this.#master.destroy();
    this.#listener.close();
    this.#view.close();
  }

  // From clients ----------------------------------------------------------------------------------------------------

  #wantsFrame(connection: Connection<Client>): boolean {
    const client = connection.context;
    if (client.link.writable) return true;
    client.link.hold(client);
    return false;
  }

  #frame(connection: Connection<Client>, memory: Buffer, start: number, end: number): void {
    const client = connection.context;
    client.link.channel.send(
      this.#out.set(packet.RECEIVE, client.session, 0, client.port).with(memory, start, end),
    );
  }

  #inputEnded(connection: Connection<Client>): void {
    const client = connection.context;
    client.link.channel.send(this.#out.set(packet.END, client.session));
  }

  #congestion(connection: Connection<Client>, congested: boolean): void {
    const client = connection.context;
    if (congested) client.hold(HOLD_OUTPUT);
    else client.release(HOLD_OUTPUT);
  }

  #closed(connection: Connection<Client>, reason: CloseReason, error: Error | undefined): void {
    const client = connection.context;
    this.#clients.delete(client.session);
    client.link.forget(client);
    const told = this.#reason(client, reason);
    client.link.channel.send(
      this.#out.set(packet.CLOSED, client.session, packet.CLOSE_REASONS.indexOf(told)),
    );
    this.#master.send(this.#out.set(packet.GONE, client.session));
    if (told !== 'peer' && told !== 'server' && told !== 'shutdown') this.#logClosed(client, told, error);
    if (this.#stopping && this.#clients.size === 0) this.#reactor.stop();
  }

  #reason(client: Client, reason: CloseReason): packet.SessionCloseReason {
    if (reason !== 'local') return reason;
    if (client.closedByWorker) return client.connection.inputEnded ? 'peer' : 'server';
    return 'shutdown';
  }

  #logClosed(client: Client, reason: packet.SessionCloseReason, error: Error | undefined): void {
    const { packageMaxLength, socketBufferSize } = this.#ports[client.port] as ResolvedPort;
    const why = {
      malformed: `it sent a message that is longer than packageMaxLength (${packageMaxLength} bytes) or malformed`,
      'output-limit': `more than socketBufferSize (${socketBufferSize} bytes) waited for it to read`,
    }[reason as string];
    const text = `Closed session ${client.session} of ${client.address}: ${why ?? error?.message ?? reason}`;
    const body = Buffer.from(`${reason}\t${text}`).subarray(0, LOG_LINE_BYTES);
    this.#master.send(this.#out.set(packet.LOG, client.session, 0, client.port).with(body));
  }

  // From workers ----------------------------------------------------------------------------------------------------

  #fromWorker(message: packet.Packet): void {
    const client = this.#clients.get(message.session);
    // The client went while the answer was on its way; the worker hears of that by CLOSED.
    if (client === undefined) return;
    if (message.type === packet.SEND) {
      if (!this.#gather.pending) this.#reactor.defer(this.#flushGather);
      this.#gather.write(client.connection, message.body, message.start, message.end);
    } else if (message.type === packet.CLOSE) {
      this.#gather.flush();
      client.closedByWorker = true;
      client.connection.close();
    }
  }

  // From the master -------------------------------------------------------------------------------------------------

  #fromMaster(message: packet.Packet): void {
    switch (message.type) {
      case packet.ACCEPTED:
        return this.#accept(message);
      case packet.WORKER_REPLACED:
        return this.#introduce(this.#workers[message.aux] as WorkerLink);
      case packet.QUIESCE:
        return this.#quiesce();
      case packet.STOP:
        return this.#stop(message.aux);
    }
  }

  #accept({ aux: fd, session, port, body, start, end }: packet.Packet): void {
    const { framing, packageMaxLength, socketBufferSize } = this.#ports[port] as ResolvedPort;
    const link = this.#workers[session % this.#workers.length] as WorkerLink;
    if (link.channel.queuedBytes > LINK_LIMIT) return this.#turnAway(fd, session, link);
    const client = new Client(session, port, link, Buffer.from(body.subarray(start, end)));
    client.connection = new Connection(this.#reactor, fd, {
      framer: createFramer(framing, packageMaxLength),
      readMemory: this.#readMemory,
      highWaterMark: socketBufferSize / 2,
      maxOutput: socketBufferSize,
      overflow: 'destroy',
      handlers: this.#handlers,
      context: client,
    });
    this.#clients.set(session, client);
    link.channel.send(this.#out.set(packet.CONNECT, session, 0, port).with(client.address));
    if (this.#quiesced) client.hold(HOLD_QUIESCE);
  }

  /** The worker does not even read that clients come and go; what it would be told must not pile up. */
  #turnAway(fd: number, session: number, link: WorkerLink): void {
    syscalls.close(fd);
    this.#master.send(this.#out.set(packet.GONE, session));
    const text = `Turned a client away: worker ${link.worker} has not read for long, ${LINK_LIMIT} bytes wait for it`;
    this.#master.send(this.#out.set(packet.LOG, session).with(Buffer.from(`worker-stuck\t${text}`)));
  }

  /** Tells the replacement of a dead worker which connections it has, and which of them wait to be closed by it. */
  #introduce(link: WorkerLink): void {
    for (const client of this.#clients.values()) {
      if (client.link !== link) continue;
      link.channel.send(this.#out.set(packet.ADOPT, client.session, 0, client.port).with(client.address));
      if (client.connection.inputEnded) link.channel.send(this.#out.set(packet.END, client.session));
    }
  }

  #quiesce(): void {
    this.#quiesced = true;
    for (const client of this.#clients.values()) client.hold(HOLD_QUIESCE);
    for (const { channel } of this.#workers) channel.send(this.#out.set(packet.LAST, 0));
  }

  /** Sends what is left to send, within `timeoutMs`, and ends the thread. */
  #stop(timeoutMs: number): void {
    // The workers have ended; their last answers may still be in the rings.
    for (const { channel } of this.#workers) channel.deliverNow();
    this.#gather.flush();
    this.#stopping = true;
    for (const client of [...this.#clients.values()]) client.connection.close();
    if (this.#clients.size === 0 || timeoutMs < 1) return this.#reactor.stop();
    this.#reactor.timers.after(timeoutMs, () => this.#reactor.stop());
  }
}
