import type { TLSSocket } from 'node:tls';
import type { InetAddress } from '@millrace/native';
import { decodeInetAddress, SOCKADDR_BYTES, syscalls } from '@millrace/native/syscalls';
import {
  Connection,
  type ConnectionHandlers,
  ConnectionKind,
  type Framing,
  type StreamConnection,
  TlsConnection,
} from '@millrace/reactor';
import { LINK_LIMIT, READ_BYTES } from '../constants.js';
import type { CloseCause } from '../contract/close-causes.js';
import type { ListenerIndex, SessionId } from '../contract/ids.js';
import type { Protocol } from '../contract/protocol.js';
import * as packet from '../links/packet.js';
import { FLAG_PAUSED, OPEN } from '../shared/connection-layout.js';
import { addressOf, Client, type ClientLink } from './client.js';
import { type ClientPlace, HttpClient } from './http/http-client.js';
import type { HttpInput } from './http/http-input.js';
import { KeptRequests } from './http/kept-requests.js';
import { PAUSE_QUIESCE, PAUSE_USER } from './pause-reasons.js';
import type { ReactorContext } from './reactor-context.js';
import type { TlsPorts } from './tls-ports.js';

/** Frames that a client may deliver in one turn while no other one sends. */
const LONE_FRAMES_PER_TURN = 1024;

/** Makes clients of what was accepted, and tells their workers. */
export class ClientRegistration {
  readonly #context: ReactorContext;
  readonly #tls: TlsPorts;
  readonly #handlers: ConnectionHandlers<Client, StreamConnection<Client>>;
  readonly #http: HttpInput;
  readonly #readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
  /** What the connections of each listener share. */
  readonly #kinds: ConnectionKind<Client>[] = [];
  #quiesced = false;

  constructor(
    context: ReactorContext,
    tls: TlsPorts,
    handlers: ConnectionHandlers<Client, StreamConnection<Client>>,
    http: HttpInput,
  ) {
    this.#context = context;
    this.#tls = tls;
    this.#handlers = handlers;
    this.#http = http;
  }

  /** Of who comes now no messages are read. */
  quiesce(): void {
    this.#quiesced = true;
  }

  /** Takes a new client over, from a listener. */
  accept(fd: number, session: SessionId, listener: ListenerIndex, peer: InetAddress): void {
    if (!this.#tls.has(listener)) return this.#connected(fd, session, listener, peer);
    this.#tls.accept(fd, session, listener, String(addressOf(peer)), {
      secured: (socket) => this.#connected(socket, session, listener, peer),
      failed: () => this.#neverOpened(session, listener, 'handshake'),
    });
  }

  /** A client is there, by a descriptor or a TLS socket. */
  #connected(by: number | TLSSocket, session: SessionId, listener: ListenerIndex, peer: InetAddress): void {
    const { reactor, dispatcher, clients, out, table } = this.#context;
    const owner = dispatcher.owner(session, peer.host);
    // It was in the middle of its handshake when the workers were told that no more comes.
    if (this.#quiesced && typeof by !== 'number') return this.#neverOpened(session, listener, 'shutdown', by);
    if (owner.channel.queuedBytes > LINK_LIMIT) return this.#turnAway(by, session, listener, owner);
    this.#take(session, listener, owner, peer);
    const { protocol, host } = this.#context.port(listener);
    const isHttp = protocol !== 'messages';
    if (isHttp) table.setLocal(session, isEvery(host) && peer.host !== '' ? localHostOf(by) : '');
    const slot = table.slot(session);
    const client = isHttp
      ? this.#httpClient({ session, listener, owner, slot }, protocol)
      : new Client(session, listener, owner, slot);
    client.connection =
      typeof by === 'number'
        ? new Connection(reactor, by, this.#kind(listener, isHttp), client)
        : new TlsConnection(reactor, by, { ...this.#options(listener, isHttp), context: client });
    clients.add(client);
    owner.countConnection(1);
    // Which worker its first request goes to is not known: until then none has a socket for it.
    const type = isHttp && protocol === 'http' && this.#http.ofEach ? packet.ADOPT : packet.CONNECT;
    owner.channel.send(out.set(type, session, 0, listener).with(addressOf(peer)));
    if (this.#delays(listener)) client.pauseFor(PAUSE_USER);
    if (this.#quiesced && !isHttp) client.pauseFor(PAUSE_QUIESCE);
  }

  #httpClient(place: ClientPlace, protocol: Protocol): HttpClient {
    const client = new HttpClient(place, protocol);
    const { data, memory } = this.#context;
    if (data.retryRequests && protocol === 'http') client.kept = new KeptRequests(memory);
    return client;
  }

  /** What the program is given is a socket where it serves connections: it reads when it wants. */
  #delays(listener: ListenerIndex): boolean {
    return this.#context.data.enableDelayReceive && this.#context.port(listener).protocol === 'messages';
  }

  /** The next connections of that listener are made by what it is then. */
  forgetKind(listener: ListenerIndex): void {
    delete this.#kinds[listener];
  }

  #kind(listener: ListenerIndex, isHttp: boolean): ConnectionKind<Client> {
    this.#kinds[listener] ??= new ConnectionKind<Client>(
      this.#context.reactor,
      this.#options(listener, isHttp),
    );
    return this.#kinds[listener];
  }

  #options(listener: ListenerIndex, isHttp: boolean) {
    const { packageMaxLength, bufferHighWatermark, bufferLowWatermark } = this.#context.port(listener);
    const { data, framings } = this.#context;
    const framing = framings[listener];
    return {
      framing,
      // Elsewhere than in base mode a frame goes into a ring, and the memory is the next one's.
      ownFrames: data.topology.base !== undefined && !isHttp && knowsLength(framing),
      maxFrameLength: packageMaxLength,
      readMemory: this.#readMemory,
      memory: this.#context.memory.use,
      framesPerTurn: this.#context.data.maxClientMessages,
      loneFramesPerTurn: Math.max(this.#context.data.maxClientMessages, LONE_FRAMES_PER_TURN),
      bytesPerTurn: this.#context.data.maxClientBytes,
      highWaterMark: bufferHighWatermark,
      lowWaterMark: bufferLowWatermark,
      // Each sender has its own limit before; see ClientCommands.
      maxOutput: Number.MAX_SAFE_INTEGER,
      handlers: isHttp ? this.#http.handlers : this.#handlers,
      ...(isHttp && { framer: this.#http.framer }),
    };
  }

  /** Takes a slot of the shared table. */
  #take(session: SessionId, listener: ListenerIndex, owner: ClientLink, peer: InetAddress): void {
    owner.slot.take({
      state: OPEN,
      listener,
      reactor: this.#context.data.index,
      worker: owner.worker,
      uid: 0,
      flags: this.#delays(listener) ? FLAG_PAUSED : 0,
      reason: 0,
      remotePort: peer.port,
      tlsCell: this.#tls.cellOf(session),
      session,
      connectTime: this.#context.now(),
      host: peer.host,
    });
  }

  /** The worker does not even read that clients come and go; what it would be told must not pile up. */
  #turnAway(by: number | TLSSocket, session: SessionId, listener: ListenerIndex, link: ClientLink): void {
    this.#neverOpened(session, listener, 'worker_stuck', by);
    const text = `Turned a client away: worker ${link.worker} has not read for long, ${LINK_LIMIT} bytes wait for it`;
    this.#context.log('worker-stuck', text);
  }

  /** A connection goes that no worker has heard of. */
  #neverOpened(
    session: SessionId,
    listener: ListenerIndex,
    cause: CloseCause,
    by?: number | TLSSocket,
  ): void {
    if (typeof by === 'number') syscalls.close(by);
    else by?.destroy();
    this.#tls.forget(session);
    this.#context.traffic.closed(listener, cause);
    this.#context.gone(session);
  }
}

/** Whether the beginning of a frame says how long it will be. */
function knowsLength(framing: Framing | undefined): boolean {
  return framing?.kind === 'length' || framing?.kind === 'function';
}

/** Whether a listener has all addresses of the machine; of one that was handed over nobody has said. */
function isEvery(host: string): boolean {
  return host === '::' || host === '0.0.0.0' || host === '';
}

const name = new Uint8Array(SOCKADDR_BYTES);

/** The server's own address in a connection; '': it is not to be had, for the client has gone. */
function localHostOf(by: number | TLSSocket): string {
  if (typeof by !== 'number') return by.localAddress ?? '';
  return syscalls.socketName(by, name, 0) < 0 ? '' : decodeInetAddress(name).host;
}
