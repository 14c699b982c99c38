import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { ListenerIndex, ReactorIndex } from '../contract/ids.js';
import type { ProgramTls } from '../contract/program-tls.js';
import type { Packet } from '../links/packet.js';
import type { HttpEngine } from '../options/port-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { AttachedServer } from '../sockets/attached-server.js';
import type { LeanEngine } from '../sockets/lean-session.js';
import { listenFor } from '../sockets/listen-for.js';
import { watchSecureContext } from '../sockets/secure-context-changes.js';
import { NOT_FOR_LEAN, type ServedServer, unusualForLean } from '../sockets/server-kinds.js';
import { programTlsOf } from '../sockets/server-tls.js';
import { HeldMessages } from './held-messages.js';

export interface ServedListenersParts {
  readonly gateway: SessionGateway;
  readonly ports: readonly ResolvedPort[];
  /** Whether connections outlast this process: those of a dead worker are this one's, and idle ones are kept for longer. */
  readonly lasting: boolean;
  /** What reads requests and WebSockets of listeners whose engine is lean; undefined where there are none. */
  readonly lean?: LeanEngine | undefined;
  /** Of servers that a program listens with. */
  readonly engine?: HttpEngine | undefined;
  readonly log: (text: string) => void;
  /** Clients to come of that listener, whose TLS ends in the reactor, get these. */
  readonly onTls: (listener: ListenerIndex, tls: ProgramTls) => void;
}

/** Which server of the program has the connections of which listener in this worker, and what is held until there is one. */
export class ServedListeners {
  readonly #parts: ServedListenersParts;
  readonly #received: (message: Packet, reactor: ReactorIndex) => void;
  readonly #attached = new Map<ListenerIndex, AttachedServer>();
  /** By listener, what came before the program listened there. */
  readonly #held = new Map<ListenerIndex, HeldMessages>();
  /** By listener: ends the watching for other keys and certificates. */
  readonly #unwatch = new Map<ListenerIndex, () => void>();
  /** Listeners whose server the program has closed. */
  readonly #shut = new Set<ListenerIndex>();
  #isRetired = false;

  /** `received` gets what was held once the program listens. */
  constructor(parts: ServedListenersParts, received: (message: Packet, reactor: ReactorIndex) => void) {
    this.#parts = parts;
    this.#received = received;
  }

  /** Whether servers of the program have the connections of a listener. */
  has(listener: ListenerIndex): boolean {
    const port = this.#parts.ports[listener];
    return port !== undefined && (port.protocol !== 'messages' || port.late);
  }

  /** The server that has them; undefined: the program does not listen there, not yet or no more. */
  at(listener: ListenerIndex): AttachedServer | undefined {
    return this.#attached.get(listener);
  }

  /** Of all listeners. */
  servers(): Iterable<AttachedServer> {
    return this.#attached.values();
  }

  isShut(listener: ListenerIndex): boolean {
    return this.#shut.has(listener);
  }

  /**
   * Has `server`, which takes itself for one that listens, serve the connections of `listener`, from what is held of it on. `secure`:
   * TLS ends in the reactor, which has the keys and certificates from it.
   */
  attach(server: NetServer, listener: ListenerIndex, secure: boolean): void {
    const attached = new AttachedServer(server, secure, this.#parts.lasting);
    if (this.#parts.engine === 'lean') this.#beLean(attached);
    this.#attach(attached, listener);
    if (!secure) return;
    const say = () => this.#sayTls(server, listener);
    this.#unwatch.set(listener, watchSecureContext(server, say));
    // A reload may have brought others, and the program may have changed them meanwhile.
    say();
  }

  /** The server serves new connections of `listener` no more; those that it has stay. */
  detach(listener: ListenerIndex): void {
    // What was on its way here when it was closed is still its.
    if (this.#isRetired) return;
    this.#unwatch.get(listener)?.();
    this.#unwatch.delete(listener);
    this.#attached.get(listener)?.detach();
    this.#attached.delete(listener);
    this.#shut.add(listener);
  }

  /** Has a server that has not listened serve a listener of the plan, as if it listened there. */
  serve({ server, engine }: ServedServer, listener: ListenerIndex): void {
    const { gateway, ports, lasting } = this.#parts;
    const { host, path, tls, tlsOfServer } = ports[listener] as ResolvedPort;
    const address = path === undefined ? { host, port: gateway.counters.port(listener) } : { path };
    listenFor(server, address, () => this.detach(listener));
    if (tlsOfServer) return this.attach(server, listener, true);
    const attached = new AttachedServer(server, tls !== undefined, lasting);
    if (engine === 'lean') this.#beLean(attached);
    this.#attach(attached, listener);
  }

  /** Keeps a packet until the program listens there. False: there is no room, and it is not kept. */
  hold(message: Packet, reactor: ReactorIndex): boolean {
    let held = this.#held.get(message.listener);
    if (held === undefined) {
      held = new HeldMessages();
      this.#held.set(message.listener, held);
    }
    return held.hold(message, reactor);
  }

  /** Another process has the place: which server has which listener, and by which certificates, is settled here. */
  retire(): void {
    this.#isRetired = true;
  }

  /** Their process leaves: clients whose connections end with that are told so in time. */
  leave(): void {
    for (const attached of this.#attached.values()) attached.leave();
  }

  #attach(attached: AttachedServer, listener: ListenerIndex): void {
    this.#shut.delete(listener);
    this.#attached.set(listener, attached);
    const held = this.#held.get(listener);
    this.#held.delete(listener);
    if (held === undefined) return;
    const { sessions } = held;
    held.release(this.#received);
    for (const id of sessions) this.#parts.gateway.resume(id);
  }

  /** Has the engine that is lean read the requests of a server, or says that it does not. */
  #beLean(attached: AttachedServer): void {
    const { lean, log } = this.#parts;
    const { server, secure, http } = attached;
    if (lean === undefined) return;
    if (!http || secure) return log(NOT_FOR_LEAN);
    attached.lean = new lean.LeanServer(server as HttpServer);
    attached.onUnusual = (what) => log(unusualForLean(what));
  }

  #sayTls(server: NetServer, listener: ListenerIndex): void {
    // The next process has those that count.
    if (this.#isRetired) return;
    const tls = programTlsOf(server);
    if (tls !== undefined) return this.#parts.onTls(listener, tls);
    this.#parts.log(
      'TLS ends in the reactor threads, which cannot do what the server of the program was told last (several keys for one name, contexts with more than a key and a certificate, pfx, callbacks): new clients get the certificates from before',
    );
  }
}
