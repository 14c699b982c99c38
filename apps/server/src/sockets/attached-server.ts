import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { LeanServer } from '@millrace/http';
import { overSession, sessionOverSession } from './layered-sockets.js';
import { LeanSession } from './lean-session.js';
import { OwnConnections } from './own-connections.js';
import { isHttpServer, isTlsServer } from './server-kinds.js';
import type { SessionLink } from './session-link.js';
import type { SessionSocket } from './session-socket.js';
import { type SocketEnd, socketEnd } from './socket-host.js';

/**
 * Milliseconds that an idle connection is kept in process mode where the program says nothing: a load balancer in front keeps it for
 * 60 s, and sends into a connection that is being closed where it is the longer of the two.
 */
export const KEEP_ALIVE_MS = 75_000;

/** What node:http has where the program says nothing. */
const NODE_KEEP_ALIVE_MS = 5_000;

/** What node:net knows of a server beyond its types. */
interface Untyped {
  _connections: number;
  maxConnections?: number | null;
  readonly pauseOnConnect?: boolean;
  readonly allowHalfOpen?: boolean;
  readonly highWaterMark?: number;
}

/** A `net.Server` of the program that is given the connections of one listener, instead of the kernel's. */
export class AttachedServer {
  readonly server: NetServer;
  /** Whether it is of node:http, or of node:https. */
  readonly http: boolean;
  /** TLS ends in the reactor. */
  readonly secure: boolean;
  /** What reads the requests of its connections, as long as it can. */
  lean: LeanServer | undefined;
  /** Is told once why that has none of them. */
  onUnusual: ((reason: string) => void) | undefined;
  readonly #event: 'connection' | 'secureConnection';
  /** node:tls of this process lies over the sockets of its connections. */
  readonly #isUnderTls: boolean;
  #local: SocketEnd | undefined;
  /** Where no other process can go on with its connections. */
  readonly #own: OwnConnections | undefined;

  /** `patient`: idle connections are kept for longer than Node's default. */
  constructor(server: NetServer, secure: boolean, patient: boolean) {
    this.server = server;
    this.secure = secure;
    const isTls = isTlsServer(server);
    this.http = isHttpServer(server) && (secure || !isTls);
    // What a server of node:tls hears of 'connection' is TLS itself.
    this.#event = secure && isTls ? 'secureConnection' : 'connection';
    this.#isUnderTls = isTls && !secure;
    const { keepAliveTimeout } = server as HttpServer;
    if (patient && keepAliveTimeout === NODE_KEEP_ALIVE_MS)
      (server as HttpServer).keepAliveTimeout = KEEP_ALIVE_MS;
    if (this.#isUnderTls) server.prependListener('secureConnection', overSession);
    server.on('session', sessionOverSession);
    this.#own = this.http ? undefined : new OwnConnections(server);
  }

  /** Milliseconds that an idle connection is kept; 0: for ever. */
  get keepAliveMs(): number {
    const { keepAliveTimeout, keepAliveTimeoutBuffer = 1_000 } = this.server as unknown as {
      readonly keepAliveTimeout?: number;
      readonly keepAliveTimeoutBuffer?: number;
    };
    return keepAliveTimeout ? keepAliveTimeout + keepAliveTimeoutBuffer : 0;
  }

  /** What the sockets of its connections are made with, as node:net makes them. */
  get socketOptions(): {
    readonly local: SocketEnd;
    readonly allowHalfOpen: boolean;
    readonly highWaterMark?: number | undefined;
  } {
    const { allowHalfOpen = false, highWaterMark } = this.#state;
    if (this.#local === undefined) {
      const address = this.server.address();
      this.#local = typeof address === 'object' && address ? socketEnd(address.address, address.port) : {};
    }
    // Node:tls ends its own side behind what it has still to write; it could not, if the socket did by itself.
    return { local: this.#local, allowHalfOpen: allowHalfOpen || this.#isUnderTls, highWaterMark };
  }

  /** Sessions of HTTP/2 that it has. */
  get sessions(): number {
    return this.#own?.sessions ?? 0;
  }

  /** Its process leaves: clients whose connections end with that are told so in time. */
  leave(): void {
    this.#own?.leave();
  }

  /** It is given no more connections. */
  detach(): void {
    this.#own?.detach();
    this.server.off('secureConnection', overSession);
    this.server.off('session', sessionOverSession);
  }

  /** Whether one more connection is too many; the program hears of that as it does of node:net. */
  drops(socket: SessionSocket): boolean {
    const { maxConnections, _connections } = this.#state;
    if (maxConnections === undefined || maxConnections === null || _connections < maxConnections)
      return false;
    const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } = socket;
    this.server.emit('drop', {
      localAddress,
      localPort,
      localFamily,
      remoteAddress,
      remotePort,
      remoteFamily,
    });
    return true;
  }

  /** Gives it a connection. What its handlers throw, this throws. */
  connect(link: SessionLink): void {
    this.count(link.socket);
    if (this.lean !== undefined) {
      const session = new LeanSession(link, this);
      const connection = this.lean.accept(session);
      if (connection !== undefined) return session.begin(connection);
      this.onUnusual?.(this.lean.unusual ?? '');
      this.onUnusual = undefined;
    }
    this.hear(link.socket);
  }

  /** Has it hear of a connection that it counts. */
  hear(socket: SessionSocket): void {
    if (this.#state.pauseOnConnect) socket.pause();
    this.server.emit(this.#event, socket);
  }

  /** Has it count a connection as its own. */
  count(socket: SessionSocket): void {
    // By these node:net counts the connection down, and `close` waits for it.
    this.#state._connections++;
    Object.assign(socket, { server: this.server, _server: this.server });
  }

  get #state(): Untyped {
    return this.server as unknown as Untyped;
  }
}
