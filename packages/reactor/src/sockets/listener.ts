import { checkHandlers, checkOptions, optionNames } from '@millrace/channel';
import { type InetAddress, SystemCallError, type UnixAddress } from '@millrace/native';
import { bindUnix, type SocketFile } from '@millrace/native/internal';
import {
  AF_INET6,
  AF_UNIX,
  check,
  decodeInetAddress,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SHUT_RDWR,
  SOCK_STREAM,
  SOCKADDR_BYTES,
  syscalls,
} from '@millrace/native/syscalls';
import {
  SOCKET_OPTION_NAMES,
  type SocketOptions,
  setOption,
  setSocketOptions,
  setTcpOptions,
  TCP_OPTION_NAMES,
  type TcpOptions,
} from '../connection/socket-options.js';
import type { Reactor } from '../loop/reactor.js';
import { encodeAddress, isUnix, showAddress } from './addresses.js';
import { type AdoptedAddress, adopt } from './adopted.js';

interface CommonListenerOptions extends SocketOptions {
  /** Connections that the kernel completes ahead of `accept`; at most `net.core.somaxconn`. Default 512. */
  readonly backlog?: number | undefined;
}

/** TCP: `host` is an IPv4 or IPv6 literal, `port` 0 picks a free one. */
export interface InetListenerOptions extends CommonListenerOptions, TcpOptions, InetAddress {
  /** Whether an IPv6 address takes no clients of IPv4: of `::`, the others of the machine. Default false. */
  readonly ipv6Only?: boolean | undefined;
}

/** A unix socket. The file of one that no process has open any more is replaced. */
export interface UnixListenerOptions extends CommonListenerOptions, UnixAddress {
  /** Permissions of the socket file, as `chmod` takes them. Default: what the umask leaves. */
  readonly permissions?: number | undefined;
}

/**
 * A socket that another program has bound, to listen already or not. Its file is not removed at the end, and what is not
 * said stays as it is, `noDelay` too.
 */
export interface AdoptedListenerOptions extends CommonListenerOptions, TcpOptions, AdoptedAddress {}

export type ListenerOptions = InetListenerOptions | UnixListenerOptions | AdoptedListenerOptions;

export interface ListenerHandlers {
  /**
   * A connection: a non-blocking descriptor that now belongs to the handler. The peer of a unix socket has no address
   * and is `{ host: '', port: 0 }`.
   */
  readonly onAccept: (fd: number, peer: InetAddress) => void;
  /** Accepting pauses for a second: descriptors or memory have run out. */
  readonly onExhausted?: ((error: SystemCallError) => void) | undefined;
  /**
   * Most connections accepted in one turn, so that other descriptors have theirs. Default 64; 1 where several processes
   * accept from one socket: all of them wake up, and each then takes its share.
   */
  readonly burst?: number | undefined;
}

const LISTENER_OPTIONS = optionNames<InetListenerOptions & UnixListenerOptions & AdoptedListenerOptions>({
  ...SOCKET_OPTION_NAMES,
  ...TCP_OPTION_NAMES,
  backlog: true,
  ipv6Only: true,
  host: true,
  port: true,
  path: true,
  permissions: true,
  fd: true,
});
const LISTENER_HANDLERS = optionNames<ListenerHandlers>({ onAccept: true, onExhausted: true, burst: true });
const DEFAULT_BACKLOG = 512;
/** Of unix sockets. */
const NO_ADDRESS: InetAddress = { host: '', port: 0 };
const ACCEPT_BURST = 64;
/** Milliseconds without accepting after descriptors ran out: trying at once would fail at once. */
const EXHAUSTED_PAUSE_MS = 1_000;
const EXHAUSTED = [EMFILE, ENFILE, ENOBUFS, ENOMEM];

/** A bound and listening TCP or unix socket. It accepts nothing before `start`. */
export class Listener {
  readonly fd: number;
  /** Where it listens, with the port that the kernel picked; of a unix socket, `{ host: '', port: 0 }`. */
  readonly address: InetAddress;
  /** Where a unix socket listens. */
  readonly path: string | undefined;
  readonly #peer = new Uint8Array(SOCKADDR_BYTES);
  readonly #file: SocketFile | undefined;
  #reactor: Reactor | undefined;
  /** The timer of a pause; 0: there is none. */
  #pause = 0;
  #closed = false;

  /**
   * Binds and listens. Throws a `SystemCallError` that names the address, for instance with `EADDRINUSE`; and
   * `ERR_MILLRACE_DESCRIPTOR` for one that is to be adopted and cannot be, which stays open then.
   */
  constructor(options: ListenerOptions) {
    checkOptions(options, LISTENER_OPTIONS, 'A Listener');
    if ('fd' in options) {
      const { fd, family, address, listening } = adopt(options.fd, SOCK_STREAM);
      setSocketOptions(fd, options, false);
      // What is not said stays as the program that has bound it wanted it.
      if (!isUnix(address)) setTcpOptions(fd, { noDelay: false, ...options });
      if (!listening)
        check(syscalls.listen(fd, options.backlog ?? DEFAULT_BACKLOG), 'listen', showAddress(address));
      this.fd = fd;
      this.path = isUnix(address) ? address.path : undefined;
      this.address = family === AF_UNIX ? NO_ADDRESS : (address as InetAddress);
      return;
    }
    const encoded = encodeAddress(options);
    this.path = isUnix(options) ? options.path : undefined;
    this.fd = check(syscalls.socket(encoded.family, SOCK_STREAM, 0), 'socket');
    try {
      prepare(this.fd, options, encoded.family);
      if (isUnix(options))
        this.#file = bindUnix(this.fd, options.path, encoded, SOCK_STREAM, options.permissions);
      else check(syscalls.bind(this.fd, encoded.bytes, encoded.length), 'bind', showAddress(options));
      check(syscalls.listen(this.fd, options.backlog ?? DEFAULT_BACKLOG), 'listen', showAddress(options));
      this.address = boundTo(this.fd, showAddress(options));
    } catch (error) {
      this.#file?.remove();
      syscalls.close(this.fd);
      throw error;
    }
  }

  start(reactor: Reactor, handlers: ListenerHandlers): void {
    checkHandlers(handlers, LISTENER_HANDLERS, 'a Listener');
    this.#reactor = reactor;
    reactor.add(this.fd, { onRead: () => this.#accept(handlers), nonBlocking: true });
  }

  /** Stops accepting and closes the socket; idempotent. Connections that wait in the backlog are reset. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor?.remove(this.fd);
    this.#reactor?.timers.clear(this.#pause);
    this.#file?.remove();
    syscalls.close(this.fd);
  }

  /** Accepts nothing for `ms` milliseconds; what comes waits, or has another process that accepts from the same socket. */
  pause(ms: number): void {
    const reactor = this.#reactor;
    if (this.#closed || reactor === undefined) return;
    reactor.timers.clear(this.#pause);
    reactor.set(this.fd, { read: false });
    this.#pause = reactor.timers.after(ms, () => {
      this.#pause = 0;
      reactor.set(this.fd, { read: true });
    });
  }

  /** As `close`, and ends accepting in other processes that have inherited the socket as well: they close theirs. */
  closeForAll(): void {
    if (!this.#closed) syscalls.shutdown(this.fd, SHUT_RDWR);
    this.close();
  }

  #accept(handlers: ListenerHandlers): void {
    const { burst = ACCEPT_BURST } = handlers;
    for (let i = 0; i < burst && !this.#closed && this.#pause === 0; i++) {
      const fd = syscalls.accept(this.fd, this.#peer);
      if (fd >= 0) {
        handlers.onAccept(fd, decodeInetAddress(this.#peer));
        continue;
      }
      if (fd === -EAGAIN) return;
      // Another process has called closeForAll: it would be reported as readable for ever.
      if (fd === -EINVAL) return this.close();
      if (EXHAUSTED.includes(-fd)) return this.#exhausted(handlers, new SystemCallError('accept4', -fd));
      // The client has gone before it was accepted, or its network has failed: the next one may be fine.
      if (fd !== -ECONNABORTED && fd !== -EINTR) return;
    }
  }

  #exhausted(handlers: ListenerHandlers, error: SystemCallError): void {
    this.pause(EXHAUSTED_PAUSE_MS);
    handlers.onExhausted?.(error);
  }
}

/** The address of an internet socket; that of a unix socket is empty. */
function boundTo(fd: number, shown: string): InetAddress {
  const bound = new Uint8Array(SOCKADDR_BYTES);
  check(syscalls.socketName(fd, bound, 0), 'getsockname', shown);
  return decodeInetAddress(bound);
}

/** What is set on a listening socket, its connections inherit. */
function prepare(fd: number, options: InetListenerOptions | UnixListenerOptions, family: number): void {
  setSocketOptions(fd, options, !isUnix(options));
  if (isUnix(options)) return;
  if (family === AF_INET6)
    setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(options.ipv6Only ?? false), 'IPV6_V6ONLY');
  setTcpOptions(fd, options);
}
