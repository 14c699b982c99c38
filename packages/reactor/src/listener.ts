import {
  AF_INET6,
  check,
  decodeInetAddress,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  encodeInetAddress,
  type InetAddress,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOCKADDR_BYTES,
  SOL_SOCKET,
  SystemCallError,
  syscalls,
} from '@millrace/native';
import type { Reactor } from './reactor.js';

export interface ListenerOptions {
  /** An IPv4 or IPv6 literal. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Connections that the kernel completes ahead of `accept`. */
  readonly backlog: number;
}

export interface ListenerHandlers {
  /** A connection: a non-blocking descriptor that now belongs to the handler. */
  readonly onAccept: (fd: number, peer: InetAddress) => void;
  /** Accepting pauses for a second: descriptors or memory have run out. */
  readonly onExhausted: (error: SystemCallError) => void;
}

/** Most connections accepted for one readiness event, so that other descriptors have their turn. */
const ACCEPT_BURST = 64;
/** Milliseconds without accepting after descriptors ran out: trying at once would fail at once. */
const EXHAUSTED_PAUSE_MS = 1_000;
const EXHAUSTED = [EMFILE, ENFILE, ENOBUFS, ENOMEM];

/** A bound and listening TCP socket. It accepts nothing before `start`. */
export class Listener {
  readonly fd: number;
  readonly address: InetAddress;
  readonly #peer = new Uint8Array(SOCKADDR_BYTES);
  #reactor: Reactor | undefined;
  #closed = false;

  /** Binds and listens. Throws a `SystemCallError` that names the address, for instance with `EADDRINUSE`. */
  constructor({ host, port, backlog }: ListenerOptions) {
    const { bytes, length, family } = encodeInetAddress({ host, port });
    const name = family === AF_INET6 ? `[${host}]:${port}` : `${host}:${port}`;
    this.fd = check(syscalls.socket(family, SOCK_STREAM, 0), 'socket');
    try {
      check(syscalls.setSocketOption(this.fd, SOL_SOCKET, SO_REUSEADDR, 1), 'setsockopt', 'SO_REUSEADDR');
      if (family === AF_INET6)
        check(syscalls.setSocketOption(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0), 'setsockopt');
      check(syscalls.bind(this.fd, bytes, length), 'bind', name);
      check(syscalls.listen(this.fd, backlog), 'listen', name);
      const bound = new Uint8Array(SOCKADDR_BYTES);
      check(syscalls.socketName(this.fd, bound, 0), 'getsockname', name);
      this.address = decodeInetAddress(bound);
    } catch (error) {
      syscalls.close(this.fd);
      throw error;
    }
  }

  start(reactor: Reactor, handlers: ListenerHandlers): void {
    this.#reactor = reactor;
    reactor.watch(this.fd, { onRead: () => this.#accept(reactor, handlers) });
  }

  /** Stops accepting and closes the socket; idempotent. Connections that wait in the backlog are reset. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor?.remove(this.fd);
    syscalls.close(this.fd);
  }

  #accept(reactor: Reactor, handlers: ListenerHandlers): void {
    for (let i = 0; i < ACCEPT_BURST && !this.#closed; i++) {
      const fd = syscalls.accept(this.fd, this.#peer);
      if (fd >= 0) {
        handlers.onAccept(fd, decodeInetAddress(this.#peer));
        continue;
      }
      if (fd === -EAGAIN) return;
      if (EXHAUSTED.includes(-fd))
        return this.#exhausted(reactor, handlers, new SystemCallError('accept4', -fd));
      // The client has gone before it was accepted, or its network has failed: the next one may be fine.
      if (fd !== -ECONNABORTED && fd !== -EINTR) return;
    }
  }

  #exhausted(reactor: Reactor, handlers: ListenerHandlers, error: SystemCallError): void {
    reactor.set(this.fd, { read: false });
    reactor.timers.after(EXHAUSTED_PAUSE_MS, () => {
      if (!this.#closed) reactor.set(this.fd, { read: true });
    });
    handlers.onExhausted(error);
  }
}
