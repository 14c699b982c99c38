import { Socket } from 'node:net';
import {
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { syscalls } from '@millrace/native/syscalls';
import { ReactorError } from '../errors.js';
import type { Reactor } from '../loop/reactor.js';
import { MemoryUse } from '../output/memory-use.js';
import { TlsNames } from './tls-names.js';

/** As node:tls takes them; keys and certificates are PEM. */
export interface TlsAcceptorOptions extends SecureContextOptions {
  /** Whether clients are asked for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /** Whether a client without a certificate that `ca` vouches for is refused, where one is asked for. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols above TLS, the preferred one first; a client that offers others alone is refused. Default: any. */
  readonly ALPNProtocols?: string[] | undefined;
  /** 48 bytes that session tickets are made with: acceptors that share them resume each other's sessions. */
  readonly ticketKeys?: Buffer | undefined;
  /** Milliseconds that a handshake may take. Default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /**
   * Certificates by the host name that the client asks for, whatever its case; `*.example.org` stands for one label, and
   * gives way to a whole name. Default: one for all.
   */
  readonly sni?: Readonly<Record<string, SecureContextOptions>> | undefined;
}

/** Gets the socket of a client that has come through, or why it has not. Called once, in a turn of the reactor. */
export type TlsCallback = (error: ReactorError | undefined, socket: TLSSocket | undefined) => void;

const CONTEXT_OPTION_NAMES = {
  ALPNCallback: true,
  allowPartialTrustChain: true,
  ca: true,
  cert: true,
  sigalgs: true,
  ciphers: true,
  clientCertEngine: true,
  crl: true,
  dhparam: true,
  ecdhCurve: true,
  honorCipherOrder: true,
  key: true,
  privateKeyEngine: true,
  privateKeyIdentifier: true,
  maxVersion: true,
  minVersion: true,
  passphrase: true,
  pfx: true,
  secureOptions: true,
  secureProtocol: true,
  sessionIdContext: true,
  ticketKeys: true,
  sessionTimeout: true,
} as const;
const CONTEXT_OPTIONS = optionNames<SecureContextOptions>(CONTEXT_OPTION_NAMES);
const ACCEPTOR_OPTIONS = optionNames<TlsAcceptorOptions>({
  ...CONTEXT_OPTION_NAMES,
  requestCert: true,
  rejectUnauthorized: true,
  ALPNProtocols: true,
  handshakeTimeout: true,
  sni: true,
});

const DEFAULT_HANDSHAKE_MS = 10_000;
const MAX_MS = 2 ** 31 - 1;

/**
 * What node:tls and OpenSSL hold for a handshake under way, about: 32 KB were measured for a client that says nothing, 43 KB for one
 * that answers no more after the server's half, 41 KB for one that announces more than it sends.
 */
export const HANDSHAKE_BYTES = 48 << 10;

interface Handshake {
  readonly callback: TlsCallback;
  alarm?: Alarm;
  failure: Error | undefined;
}

/**
 * Does the server's side of TLS handshakes on connected TCP sockets, with node:tls, for a `TlsConnection` to go on.
 *
 * Notes. The reactor must be one in Node's loop: encryption and its sockets live in there. Every handshake ends: the
 * client comes through, fails, goes, or its time is up. `replace` changes the certificates for handshakes to come;
 * what is connected or in the middle of one keeps those that it began with.
 */
export class TlsAcceptor {
  readonly #reactor: Reactor;
  readonly #use: MemoryUse;
  /** Oldest first. */
  readonly #handshakes = new Map<Socket, Handshake>();
  #server: Server;
  /** Milliseconds for a handshake; beyond those of node:tls they are counted here. */
  #ownLimit = 0;
  #closed = false;

  /**
   * `memory`: where what the handshakes hold counts. Throws what `tls.createSecureContext` throws, and
   * `ERR_MILLRACE_REACTOR_OPTION`.
   */
  constructor(reactor: Reactor, options: TlsAcceptorOptions, memory: MemoryUse = new MemoryUse()) {
    if (reactor.mode === 'blocking')
      throw new ReactorError('ERR_MILLRACE_REACTOR_OPTION', "TLS needs a reactor of mode 'node'.");
    this.#reactor = reactor;
    this.#use = memory;
    this.#server = this.#createServer(options);
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#handshakes.size;
  }

  /** Takes over `fd`, a connected TCP socket, and closes it where there is no socket for `callback` to take over. */
  accept(fd: number, callback: TlsCallback): void {
    let raw: Socket;
    try {
      raw = new Socket({ fd });
    } catch (cause) {
      syscalls.close(fd);
      return this.#soon(() => callback(failed(cause as Error), undefined));
    }
    const handshake: Handshake = { callback, failure: undefined };
    if (this.#ownLimit > MAX_MS) {
      const alarm = new Alarm(this.#ownLimit, () => raw.destroy(late(this.#ownLimit)));
      handshake.alarm = alarm.unref();
    }
    // What goes wrong comes as 'tlsClientError'; here it would be uncaught.
    raw.on('error', (error) => {
      handshake.failure ??= error;
    });
    // A turn later: 'tlsClientError' may come after it.
    raw.once('close', () => this.#soon(() => this.#over(raw)));
    this.#handshakes.set(raw, handshake);
    this.#use.bytes += HANDSHAKE_BYTES;
    if (this.#closed) raw.destroy();
    else this.#server.emit('connection', raw);
  }

  /** Breaks the oldest handshake off, which fails with `why`. Returns whether there was one. */
  breakOffOldest(why: string): boolean {
    for (const [raw, handshake] of this.#handshakes) {
      this.#forget(raw, handshake);
      handshake.failure = new Error(why);
      raw.destroy();
      this.#soon(() => handshake.callback(failed(handshake.failure), undefined));
      return true;
    }
    return false;
  }

  /** Other certificates and options for the handshakes to come. Throws as the constructor; then nothing is changed. */
  replace(options: TlsAcceptorOptions): void {
    this.#server = this.#createServer(options);
  }

  /** Breaks off the handshakes under way; idempotent. */
  close(): void {
    this.#closed = true;
    for (const raw of this.#handshakes.keys()) raw.destroy();
  }

  /** A server that never listens: it is handed its connections. */
  #createServer({ sni = {}, ...options }: TlsAcceptorOptions): Server {
    checkOptions(options, ACCEPTOR_OPTIONS, 'A TlsAcceptor');
    for (const [name, context] of Object.entries(sni))
      checkOptions(context, CONTEXT_OPTIONS, `A TlsAcceptor's sni of ${name}`);
    const asked = checkTimeout(options.handshakeTimeout ?? DEFAULT_HANDSHAKE_MS, 'handshakeTimeout');
    // As node:tls takes it: a whole number of 31 bits. Below 0 there is no limit of its own, and the alarm of each handshake rings.
    const handshakeTimeout = asked > MAX_MS ? -1 : Math.max(Math.ceil(asked), 1);
    const names = new TlsNames(sni);
    const SNICallback: NonNullable<TlsOptions['SNICallback']> = (name, found) =>
      found(null, names.find(name));
    const server = createServer({ ...options, handshakeTimeout, SNICallback });
    this.#ownLimit = asked;
    server.on('secureConnection', (socket) => this.#secured(socket));
    server.on('tlsClientError', (error, socket) => {
      const handshake = this.#handshakes.get(rawOf(socket));
      if (handshake) handshake.failure = socket.authorizationError ? unauthorized(socket) : error;
      // Where time is up, nothing else does.
      socket.destroy();
    });
    return server;
  }

  #secured(socket: TLSSocket): void {
    const raw = rawOf(socket);
    const handshake = this.#handshakes.get(raw);
    if (handshake === undefined) return void socket.destroy();
    this.#forget(raw, handshake);
    // From now on; half a handshake is none.
    socket.allowHalfOpen = true;
    // Until a connection has it; what has gone wrong by then, `socket.errored` tells.
    socket.on('error', () => {});
    this.#soon(() => handshake.callback(undefined, socket));
  }

  #over(raw: Socket): void {
    const handshake = this.#handshakes.get(raw);
    if (handshake === undefined) return;
    this.#forget(raw, handshake);
    handshake.callback(failed(handshake.failure), undefined);
  }

  #forget(raw: Socket, handshake: Handshake): void {
    this.#handshakes.delete(raw);
    this.#use.bytes -= HANDSHAKE_BYTES;
    handshake.alarm?.cancel();
  }

  #soon(callback: () => void): void {
    if (!this.#reactor.closed) this.#reactor.defer(callback);
  }
}

/** The socket that was handed to the server, of the one that it made of it: what node:tls has no public name for. */
function rawOf(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent: Socket })._parent;
}

function unauthorized({ authorizationError }: TLSSocket): Error {
  return new Error(`its certificate is not accepted (${authorizationError})`);
}

function late(ms: number): Error {
  return Object.assign(new Error(`no handshake within ${ms} ms`), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
}

function failed(cause: (Error & { reason?: string; code?: string }) | undefined): ReactorError {
  const why = cause?.reason ?? cause?.message.trim() ?? 'the client has gone';
  const message = `The TLS handshake failed: ${why}${cause?.code ? ` (${cause.code})` : ''}.`;
  return new ReactorError('ERR_MILLRACE_TLS_HANDSHAKE', message, { cause });
}
