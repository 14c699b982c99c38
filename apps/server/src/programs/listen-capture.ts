import { closeSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import type { ListenAddress, ListenAsked, Listening } from '../contract/control-messages.js';
import type { ListenerIndex } from '../contract/ids.js';
import type { ProgramTls } from '../contract/program-tls.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import { ServerError } from '../errors.js';
import { ListenHandle } from '../sockets/listen-handle.js';
import { NativeServers } from './native-servers.js';

/** What `net.Server.listen` ends in, once it knows where. It is no interface of Node's, but the one place that all of it goes through. */
type SetupListenHandle = (
  this: CapturedServer,
  address: string | null,
  port: number | null,
  addressType: number | null,
  /** `false` where `listen` was called with an address behind the port. */
  backlog?: number | false,
  fd?: number,
  flags?: number,
) => void;

interface CapturedServer extends Server {
  _handle: unknown;
  _connectionKey?: string;
  _unref?: boolean;
}

const PROTOTYPE = Server.prototype as unknown as { _listen2: SetupListenHandle };
/** Node's own, where the program names none. */
const BACKLOG = 511;
/** Of `addressType`: an IPv6 address. */
const IPV6 = 6;
/** Of `flags`: `ipv6Only`. */
const UV_TCP_IPV6ONLY = 1;

export interface ListenCaptureParts {
  /** Asks the master to listen. */
  readonly ask: (asked: Omit<ListenAsked, 'type' | 'worker' | 'pid'>) => void;
  /** Says that a server of this process listens there no more. */
  readonly end: (listener: ListenerIndex) => void;
  /** What clients of that server speak. */
  readonly protocolOf: (server: Server) => StatefulProtocol;
  /** Its TLS, where a reactor thread can end that. */
  readonly tlsOf: (server: Server) => ProgramTls | undefined;
  /** Clients of that listener are that server's, `secure` where their TLS ends in the reactor; what is returned ends that. */
  readonly attach: (server: Server, listener: ListenerIndex, secure: boolean) => () => void;
  /** Whether some process of the server listens for a program. */
  readonly someListen: () => boolean;
  /** In base mode: the listening socket that the answer names, which the server then accepts from by itself. */
  readonly socketOf?: (token: string) => number;
  /** In base mode: clients of the servers that it serves come as sessions of this process, by such a socket, until what is returned is called. */
  readonly sessions?: {
    readonly serve: (server: Server) => boolean;
    readonly accept: (listener: ListenerIndex, socket: number, host: string) => () => void;
  };
}

interface Waiting {
  readonly server: CapturedServer;
  readonly handle: ListenHandle;
  /** Its clients come as sessions of this process. */
  readonly hasSessions: boolean;
  readonly shown: { readonly address: string | null; readonly port: number | null };
}

/**
 * Answers `listen` of every `net.Server` of this process, which those of http, https, http2 and tls are as well: the master listens,
 * and the clients come to the server as sessions. Everything else of the server is Node's own.
 */
export class ListenCapture {
  readonly #parts: ListenCaptureParts;
  readonly #waiting = new Map<number, Waiting>();
  /** Calls for one address, by their number, while they listen: the same call has the same number in every worker. */
  readonly #calls = new Map<string, Set<number>>();
  readonly #onAnswer: (() => void)[] = [];
  /** In base mode, by listener whose clients come as sessions: what ends its sockets. */
  readonly #shuts = new Map<ListenerIndex, readonly (() => void)[]>();
  /** In base mode, those that accept by themselves. */
  readonly native = new NativeServers();
  #native: SetupListenHandle | undefined;
  #requests = 0;
  #listened = false;
  #refuse: (refusal: ServerError) => void = () => {};
  /** Rejects when this version of the program may not listen where the one before it does, whatever it does about that itself. */
  readonly refused = new Promise<never>((_, reject) => {
    this.#refuse = reject;
  });
  /** What a program that has not listened is waited for, in words of its own; empty: nothing is known of it. */
  waitsFor = '';

  constructor(parts: ListenCaptureParts) {
    this.#parts = parts;
    // Where nothing waits for it, the server of the program has its error.
    this.refused.catch(() => {});
  }

  /** From here on; idempotent. */
  install(): void {
    if (this.#native !== undefined) return;
    const native = PROTOTYPE._listen2;
    this.#native = native;
    const capture = this;
    PROTOTYPE._listen2 = function (address, port, addressType, backlog, fd, flags) {
      // A descriptor that the process was started with is listened on by itself.
      if (typeof fd === 'number' && fd >= 0)
        return native.call(this, address, port, addressType, backlog, fd, flags);
      capture.#listen(this, address, port, addressType, backlog, flags);
    };
  }

  /** Servers listen natively again; those that listen go on. */
  uninstall(): void {
    if (this.#native !== undefined) PROTOTYPE._listen2 = this.#native;
    this.#native = undefined;
  }

  /** Whether a process of the server, this one or another, listens for a program. */
  get someListen(): boolean {
    return this.#listened || this.#parts.someListen();
  }

  /** Resolves when something listens and no call waits for its answer. */
  async listening(): Promise<void> {
    while (!this.#listened || this.#waiting.size > 0)
      await new Promise<void>((answered) => this.#onAnswer.push(answered));
  }

  /** The master has answered. */
  answered(answer: Listening): void {
    const waiting = this.#waiting.get(answer.request);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.request);
    const { server, handle } = waiting;
    if (answer.refusal !== undefined) this.#refuse(refusalOf(answer.refusal));
    // Behind the listeners of 'error' and 'listening', which may throw.
    process.nextTick(() => this.#tellWaiting());
    if (answer.listener === undefined) {
      handle.failed();
      // It may have been closed, and have listened anew.
      if (server._handle === handle) {
        server._handle = null;
        server.emit('error', listenError(answer, waiting.shown));
      }
      return;
    }
    this.#listened = true;
    const { listener, socket, host = '', port = 0, secure = false } = answer;
    if (handle.closed) this.#parts.end(listener);
    else if (socket !== undefined && !waiting.hasSessions)
      this.#listenNatively(server, handle, listener, socket);
    else {
      const detach = this.#attached(server, listener, secure);
      if (socket !== undefined) this.#accept(listener, socket, host);
      handle.bound(host, port, () => {
        for (const shut of this.#shuts.get(listener) ?? []) shut();
        this.#shuts.delete(listener);
        detach();
      });
      server.emit('listening');
    }
  }

  /** In base mode: clients of that socket come as sessions. */
  #accept(listener: ListenerIndex, token: string, host: string): void {
    const { socketOf, sessions } = this.#parts;
    if (socketOf === undefined || sessions === undefined) return;
    const shut = sessions.accept(listener, socketOf(token), host);
    this.#shuts.set(listener, [...(this.#shuts.get(listener) ?? []), shut]);
  }

  #tellWaiting(): void {
    for (const tell of this.#onAnswer.splice(0)) tell();
  }

  /** The worker accepts by itself, as a process does that has inherited the socket. */
  #listenNatively(
    server: CapturedServer,
    handle: ListenHandle,
    listener: ListenerIndex,
    token: string,
  ): void {
    const { socketOf } = this.#parts;
    if (socketOf === undefined) return;
    server._handle = null;
    // It emits what Node does, in the next tick.
    this.#native?.call(server, null, null, null, undefined, socketOf(token));
    this.native.add(server, listener, () => {
      handle.close();
      this.#parts.end(listener);
    });
  }

  /** In base mode: a server of this process accepts by one more socket, until it closes. */
  alsoListen(listener: ListenerIndex, token: string): void {
    if (this.#shuts.has(listener)) return this.#accept(listener, token, '');
    const { socketOf } = this.#parts;
    const server = this.native.of(listener);
    const fd = socketOf?.(token);
    if (fd === undefined) return;
    if (server === undefined) return closeSync(fd);
    const extra = this.native.more(server);
    this.#native?.call(extra as CapturedServer, null, null, null, undefined, fd);
  }

  #attached(server: Server, listener: ListenerIndex, secure: boolean): () => void {
    const detach = this.#parts.attach(server, listener, secure);
    return () => {
      detach();
      this.#parts.end(listener);
    };
  }

  #listen(
    server: CapturedServer,
    address: string | null,
    port: number | null,
    addressType: number | null,
    wanted: unknown,
    flags = 0,
  ): void {
    // False, where other arguments stand in its place.
    const backlog = typeof wanted === 'number' && wanted > 0 ? wanted : BACKLOG;
    const isPath = addressType === -1 || port === -1;
    const protocol = this.#parts.protocolOf(server);
    // In base mode connections are the worker's from the beginning, and another version may understand them otherwise.
    const hasSessions = this.#parts.socketOf === undefined || this.#parts.sessions?.serve(server) === true;
    const kind = hasSessions ? protocol : 'native';
    const place = [kind, address, port, addressType].join(' ');
    const call = this.#nextCall(place);
    const handle = new ListenHandle(isPath, addressType === IPV6 || address === null ? 'IPv6' : 'IPv4', () =>
      this.#calls.get(place)?.delete(call),
    );
    server._handle = handle;
    // Said before it listened.
    if (server._unref) handle.unref();
    server._connectionKey = `${addressType}:${address}:${port}`;
    const request = ++this.#requests;
    this.#waiting.set(request, { server, handle, hasSessions, shown: { address, port } });
    // Behind the rest of `listen`, which may still ask for permissions of a path.
    process.nextTick(() => {
      const where: ListenAddress = isPath
        ? { path: absolute(String(address)), permissions: handle.permissions, backlog }
        : {
            host: address ?? undefined,
            port: port ?? 0,
            backlog,
            ipv6Only: (flags & UV_TCP_IPV6ONLY) !== 0,
          };
      // A path has clients of this machine alone; in the reactor they have no TLS.
      const tls = isPath ? undefined : this.#parts.tlsOf(server);
      this.#parts.ask({ request, key: `${place} ${call}`, protocol, address: where, tls });
    });
  }

  /** The lowest number that no call for that place has which listens. */
  #nextCall(place: string): number {
    let calls = this.#calls.get(place);
    if (calls === undefined) {
      calls = new Set();
      this.#calls.set(place, calls);
    }
    let call = 0;
    while (calls.has(call)) call++;
    calls.add(call);
    return call;
  }
}

/** Of a program's server: requests can be told apart in HTTP; where this process ends TLS or HTTP/2 there are only bytes. */
export function protocolOf(server: Server): StatefulProtocol {
  return server instanceof HttpServer ? 'http' : 'stream';
}

/** The abstract namespace has no directories. */
function absolute(path: string): string {
  return path.startsWith('\0') ? path : resolvePath(path);
}

function refusalOf(reason: string): ServerError {
  const message = `This version of the program cannot listen where the one before it does: ${reason}`;
  return new ServerError('ERR_MILLRACE_LISTEN', message);
}

/** As Node's own: `listen EADDRINUSE: address already in use 0.0.0.0:3000`. */
function listenError({ errno = 0, reason = '' }: Listening, { address, port }: Waiting['shown']): Error {
  if (errno === 0) return new Error(`listen: ${reason}`);
  const isPath = port === null || port === -1;
  const [, text = reason] = getSystemErrorMap().get(-errno) ?? [];
  const code = getSystemErrorName(-errno);
  const where = isPath ? address : `${address ?? '::'}:${port}`;
  const error = new Error(`listen ${code}: ${text} ${where}`);
  // Node's own has none of the program's frames either; those of the server help no user.
  error.stack = String(error);
  return Object.assign(error, {
    code,
    errno: -errno,
    syscall: 'listen',
    address: address ?? '::',
    ...(!isPath && { port }),
  });
}
