import type { TLSSocket } from 'node:tls';
import { type InetAddress, syscalls } from '@millrace/native';
import {
  Connection,
  type ConnectionHandlers,
  ConnectionKind,
  type StreamConnection,
  TlsConnection,
} from '@millrace/reactor';
import { LINK_LIMIT, READ_BYTES } from '../constants.js';
import * as packet from '../packet.js';
import { FLAG_PAUSED, OPEN } from '../shared/connection-layout.js';
import { CLOSED } from '../shared/counters-layout.js';
import { addressOf, Client } from './client.js';
import { HOLD_QUIESCE, HOLD_USER } from './holds.js';
import type { Thread } from './thread.js';
import type { TlsPorts } from './tls-ports.js';
import type { WorkerLink } from './worker-link.js';

/** Frames that a client may deliver in one turn while no other one sends. */
const LONE_FRAMES_PER_TURN = 1024;

/** Makes clients of what was accepted, and tells their workers. */
export class Admission {
  readonly #thread: Thread;
  readonly #tls: TlsPorts;
  readonly #handlers: ConnectionHandlers<Client, StreamConnection<Client>>;
  readonly #readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
  /** What the connections of each listener share. */
  readonly #kinds: ConnectionKind<Client>[] = [];
  #quiesced = false;

  constructor(thread: Thread, tls: TlsPorts, handlers: ConnectionHandlers<Client, StreamConnection<Client>>) {
    this.#thread = thread;
    this.#tls = tls;
    this.#handlers = handlers;
  }

  /** Who comes now is not read from. */
  quiesce(): void {
    this.#quiesced = true;
  }

  /** Takes a new client over, from listener `port`. */
  accept(fd: number, session: number, port: number, peer: InetAddress): void {
    if (!this.#tls.has(port)) return this.#connected(fd, session, port, peer);
    this.#tls.accept(fd, session, port, String(addressOf(peer)), {
      secured: (socket) => this.#connected(socket, session, port, peer),
      failed: () => this.#neverOpened(session),
    });
  }

  /** A client is there, by a descriptor or a TLS socket. */
  #connected(by: number | TLSSocket, session: number, port: number, peer: InetAddress): void {
    const { reactor, dispatcher, clients, out, data, table } = this.#thread;
    const home = dispatcher.home(session, peer.host);
    // It was in the middle of its handshake when the workers were told that no more comes.
    if (this.#quiesced && typeof by !== 'number') return this.#neverOpened(session, by);
    if (home.channel.queuedBytes > LINK_LIMIT) return this.#turnAway(by, session, home);
    this.#take(session, port, home, peer);
    const client = new Client(session, port, home, table.slot(session));
    client.connection =
      typeof by === 'number'
        ? new Connection(reactor, by, this.#kind(port), client)
        : new TlsConnection(reactor, by, { ...this.#options(port), context: client });
    clients.add(client);
    home.countConnection(1);
    home.channel.send(out.set(packet.CONNECT, session, 0, port).with(addressOf(peer)));
    if (data.enableDelayReceive) client.hold(HOLD_USER);
    if (this.#quiesced) client.hold(HOLD_QUIESCE);
  }

  #kind(port: number): ConnectionKind<Client> {
    this.#kinds[port] ??= new ConnectionKind<Client>(this.#thread.reactor, this.#options(port));
    return this.#kinds[port];
  }

  #options(port: number) {
    const { packageMaxLength, bufferHighWatermark, bufferLowWatermark } = this.#thread.port(port);
    return {
      framing: this.#thread.framings[port],
      maxFrameLength: packageMaxLength,
      readMemory: this.#readMemory,
      memory: this.#thread.memory.use,
      framesPerTurn: this.#thread.data.maxClientMessages,
      loneFramesPerTurn: Math.max(this.#thread.data.maxClientMessages, LONE_FRAMES_PER_TURN),
      bytesPerTurn: this.#thread.data.maxClientBytes,
      highWaterMark: bufferHighWatermark,
      lowWaterMark: bufferLowWatermark,
      // Whoever sends has its own limit before; see Orders.
      maxOutput: Number.MAX_SAFE_INTEGER,
      handlers: this.#handlers,
    };
  }

  /** Takes a slot of the shared table. */
  #take(session: number, port: number, home: WorkerLink, peer: InetAddress): void {
    home.slot.take({
      state: OPEN,
      port,
      reactor: this.#thread.data.index,
      worker: home.worker,
      uid: 0,
      flags: this.#thread.data.enableDelayReceive ? FLAG_PAUSED : 0,
      reason: 0,
      remotePort: peer.port,
      tlsCell: this.#tls.cellOf(session),
      session,
      connectTime: this.#thread.now(),
      host: peer.host,
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
    this.#thread.gone(session);
  }
}
