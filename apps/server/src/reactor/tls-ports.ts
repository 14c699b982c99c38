import type { TLSSocket } from 'node:tls';
import { TlsAcceptor, type TlsAcceptorOptions } from '@millrace/reactor';
import { HANDSHAKE_BYTES } from '@millrace/reactor/internal';
import type { TlsInfo } from '../contract/client-info.js';
import type { ListenerIndex, SessionId } from '../contract/ids.js';
import { MEMORY_CLOSES } from '../shared/counters-layout.js';
import { reactorsAtWork } from '../shared/server-size.js';
import type { ReactorContext } from './reactor-context.js';

const NO_CELL =
  'Nothing is told of the TLS of a client: a process of this server has written over the memory where that is kept.';
/** The part of what all clients may hold that handshakes under way may have: those that hang leave the rest to clients. */
const HANDSHAKES_PART = 1 / 4;

/** The TLS of the listeners that have it, in one reactor: handshakes, before there is a session. */
export class TlsPorts {
  readonly #context: ReactorContext;
  /** By listener. */
  readonly #acceptors: (TlsAcceptor | undefined)[];
  /** Where more is told of a session that came through one. */
  readonly #cells = new Map<number, number>();
  #closed = false;

  constructor(context: ReactorContext) {
    this.#context = context;
    this.#acceptors = context.data.tls.map((options) => options && this.#acceptor(options));
  }

  /** A listener has TLS from now on. Throws what node:tls does. */
  open(listener: ListenerIndex, options: TlsAcceptorOptions): void {
    this.shut(listener);
    this.#acceptors[listener] = this.#acceptor(options);
  }

  /** It does not listen any more: what listens there next may have none. */
  shut(listener: ListenerIndex): void {
    this.#acceptors[listener]?.close();
    this.#acceptors[listener] = undefined;
  }

  #acceptor(options: TlsAcceptorOptions): TlsAcceptor {
    const { reactor, memory } = this.#context;
    return new TlsAcceptor(reactor, nodes(options), memory.handshakes);
  }

  has(listener: ListenerIndex): boolean {
    return this.#acceptors[listener] !== undefined;
  }

  /**
   * Takes over the descriptor of a new client and calls `secured` in a turn when it has come through the handshake, with
   * its details published; or `failed`, when the log has been told why.
   */
  accept(fd: number, session: SessionId, listener: ListenerIndex, from: string, then: TlsOutcome): void {
    this.#acceptors[listener]?.accept(fd, (error, socket) => {
      if (socket) {
        const cell = this.#context.tls?.write(this.#context.data.index, session, describe(socket));
        if (cell === 0) this.#context.log('tls', NO_CELL);
        else if (cell !== undefined) this.#cells.set(session, cell);
        return then.secured(socket);
      }
      if (!this.#closed) this.#context.log('tls', `Closed a connection of ${from}: ${error?.message}`);
      then.failed();
    });
    if (this.#handshakes > this.#mostHandshakes) this.#breakOffOldest();
  }

  /** Handshakes under way of all listeners together, in this reactor, at most. */
  get #mostHandshakes(): number {
    const { allCounters, data } = this.#context;
    const { memoryLimits, topology } = data;
    const bytes = (memoryLimits.maxClientMemory * HANDSHAKES_PART) / reactorsAtWork(topology, allCounters);
    return Math.max(1, Math.floor(bytes / HANDSHAKE_BYTES));
  }

  /** Handshakes under way. */
  get #handshakes(): number {
    let sum = 0;
    for (const acceptor of this.#acceptors) sum += acceptor?.pending ?? 0;
    return sum;
  }

  /** One too many has begun. A client that goes on is through in a few round trips: of the listener that has most, the oldest hang. */
  #breakOffOldest(): void {
    const { maxClientMemory } = this.#context.data.memoryLimits;
    let most: TlsAcceptor | undefined;
    for (const acceptor of this.#acceptors)
      if ((acceptor?.pending ?? 0) > (most?.pending ?? 0)) most = acceptor;
    this.#context.count(MEMORY_CLOSES, 1);
    most?.breakOffOldest(
      `${this.#mostHandshakes} later ones are under way, which hold a quarter of maxClientMemory (${maxClientMemory})`,
    );
  }

  /** The number of the cell that tells more of a session; 0: none. */
  cellOf(session: SessionId): number {
    return this.#cells.get(session) ?? 0;
  }

  /** The session is closed. */
  forget(session: SessionId): void {
    const cell = this.#cells.get(session);
    if (cell === undefined) return;
    this.#cells.delete(session);
    this.#context.tls?.release(cell);
  }

  /** Other certificates for the handshakes to come. */
  replace(tls: readonly (TlsAcceptorOptions | undefined)[]): void {
    for (const [port, options] of tls.entries()) if (options) this.#acceptors[port]?.replace(nodes(options));
  }

  /** Breaks off the handshakes under way. */
  close(): void {
    this.#closed = true;
    for (const acceptor of this.#acceptors) acceptor?.close();
  }
}

export interface TlsOutcome {
  secured(socket: TLSSocket): void;
  failed(): void;
}

/** Between threads a Buffer becomes a plain array of bytes. */
function nodes({ ticketKeys, ...options }: TlsAcceptorOptions): TlsAcceptorOptions {
  return { ...options, ticketKeys: ticketKeys && Buffer.from(ticketKeys) };
}

function describe(socket: TLSSocket): TlsInfo {
  const { servername, alpnProtocol, authorized } = socket as TLSSocket & {
    readonly servername?: string | false;
  };
  const certificate = socket.getPeerX509Certificate();
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    authorized,
    ...(servername && { servername }),
    ...(alpnProtocol && { alpnProtocol }),
    // An Error according to its type; Node puts its code there.
    ...(!authorized &&
      socket.authorizationError && { authorizationError: String(socket.authorizationError) }),
    ...(certificate && {
      peerCertificate: {
        subject: certificate.subject,
        fingerprint256: certificate.fingerprint256,
        serialNumber: certificate.serialNumber,
        validTo: certificate.validTo,
      },
    }),
  };
}
