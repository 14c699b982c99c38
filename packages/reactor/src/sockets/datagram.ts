import { type Bytes, bytesOrText, checkHandlers, checkOptions, optionNames } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import { bindUnix, type SocketFile } from '@millrace/native/internal';
import {
  AF_INET6,
  AF_UNIX,
  check,
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  ENOBUFS,
  type EncodedAddress,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SOCK_DGRAM,
  SOCKADDR_BYTES,
  syscalls,
} from '@millrace/native/syscalls';
import {
  SOCKET_OPTION_NAMES,
  type SocketOptions,
  setOption,
  setSocketOptions,
} from '../connection/socket-options.js';
import { Turn } from '../connection/turn-share.js';
import { READ_BYTES } from '../loop/options.js';
import type { Reactor } from '../loop/reactor.js';
import { decodeAddress, encodeAddress, isUnix, type SocketAddress, showAddress } from './addresses.js';
import { type AdoptedAddress, adopt } from './adopted.js';

export interface DatagramHandlers {
  /**
   * A datagram, valid only during the call, and who sent it; a unix sender that is not bound is `{ path: '' }`.
   * `truncated`: its end was cut off, because it is longer than 64 KiB.
   */
  readonly onMessage: (
    socket: DatagramSocket,
    memory: Buffer,
    end: number,
    from: SocketAddress,
    truncated: boolean,
  ) => void;
  /** After a `send` that said no: it may be tried again. Over a unix socket that is a guess, after 1 to 32 ms. */
  readonly onDrain?: ((socket: DatagramSocket) => void) | undefined;
  /** Receiving failed; the socket stays open. Default: the error is the reactor's to report. */
  readonly onError?: ((socket: DatagramSocket, error: SystemCallError) => void) | undefined;
}

export interface DatagramOptions extends SocketOptions {
  readonly handlers: DatagramHandlers;
}

const DATAGRAM_HANDLERS = optionNames<DatagramHandlers>({ onMessage: true, onDrain: true, onError: true });
const BOUND_OPTIONS = optionNames<SocketOptions & { readonly permissions?: number | undefined }>({
  ...SOCKET_OPTION_NAMES,
  permissions: true,
});
const DATAGRAM_OPTIONS = optionNames<DatagramOptions>({ ...SOCKET_OPTION_NAMES, handlers: true });

/**
 * A datagram socket that is bound and not in a reactor yet: it can be bound where errors are reported, and served by a
 * reactor of another thread, which finds it by its descriptor. The thread that bound it closes it.
 */
export class BoundDatagram {
  readonly fd: number;
  /** Where it is bound, with the port that the kernel picked. */
  readonly address: SocketAddress;
  readonly #file: SocketFile | undefined;
  #closed = false;

  /**
   * UDP port 0 picks a free one; the file of a unix socket that no process has open is replaced. `{ fd }` is a socket that
   * another program has bound; its file stays. Throws `SystemCallError`, and `ERR_MILLRACE_DESCRIPTOR` for such a one.
   */
  constructor(
    address: SocketAddress | AdoptedAddress,
    options: SocketOptions & { readonly permissions?: number | undefined } = {},
  ) {
    checkOptions(options, BOUND_OPTIONS, 'A BoundDatagram');
    if ('fd' in address) {
      const adopted = adopt(address.fd, SOCK_DGRAM);
      setSocketOptions(adopted.fd, options, false);
      this.fd = adopted.fd;
      this.address = adopted.address;
      return;
    }
    const encoded = encodeAddress(address);
    this.fd = check(syscalls.socket(encoded.family, SOCK_DGRAM, 0), 'socket');
    try {
      // No SO_REUSEADDR: with UDP it would let a second program take the port over.
      setSocketOptions(this.fd, options, false);
      if (encoded.family === AF_INET6) setOption(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0, 'IPV6_V6ONLY');
      if (isUnix(address))
        this.#file = bindUnix(this.fd, address.path, encoded, SOCK_DGRAM, options.permissions);
      else check(syscalls.bind(this.fd, encoded.bytes, encoded.length), 'bind', showAddress(address));
      const bound = new Uint8Array(SOCKADDR_BYTES);
      check(syscalls.socketName(this.fd, bound, 0), 'getsockname', showAddress(address));
      this.address = decodeAddress(bound, encoded.family === AF_UNIX);
    } catch (error) {
      this.#file?.remove();
      syscalls.close(this.fd);
      throw error;
    }
  }

  /** Closes the socket and removes its file; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file?.remove();
    syscalls.close(this.fd);
  }
}

/**
 * Milliseconds after which a unix socket is tried again: it is writable although the receiver is full, and the kernel
 * does not tell when that has room. They double each time that it is still full.
 */
const FIRST_RETRY_MS = 1;
const LONGEST_RETRY_MS = 32;
/** Most datagrams taken for one readiness event, or in a millisecond, so that other descriptors have their turn. */
const RECEIVE_BURST = 64;

/**
 * A bound UDP or unix datagram socket in a reactor.
 *
 * Notes. A datagram is sent whole or not at all, and nothing is queued here. Between machines it may be lost, doubled
 * or overtaken. What an earlier datagram has come to (`ECONNREFUSED`) is not reported.
 */
export class DatagramSocket {
  readonly fd: number;
  /** Where it is bound, with the port that the kernel picked. */
  readonly address: SocketAddress;
  readonly #reactor: Reactor;
  readonly #handlers: DatagramHandlers;
  readonly #unix: boolean;
  /** Undefined where the socket was bound elsewhere, and is closed there. */
  readonly #bound: BoundDatagram | undefined;
  readonly #from = new Uint8Array(SOCKADDR_BYTES);
  readonly #turn = new Turn({
    frames: RECEIVE_BURST,
    loneFrames: RECEIVE_BURST,
    bytes: Number.POSITIVE_INFINITY,
  });
  readonly #onRead = () => this.#receive();
  #lastTo: SocketAddress | undefined;
  #lastEncoded: EncodedAddress | undefined;
  /** The timer of the next try over unix; 0: nothing has been refused. */
  #retry = 0;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;

  /**
   * Binds to `address`; UDP port 0 picks a free one. Throws a `SystemCallError` that names the address. Or serves what
   * a {@link BoundDatagram} has bound, perhaps in another thread, and leaves it open at the end.
   */
  constructor(
    reactor: Reactor,
    address: SocketAddress | Pick<BoundDatagram, 'fd' | 'address'>,
    options: DatagramOptions,
  ) {
    checkOptions(options, DATAGRAM_OPTIONS, 'A DatagramSocket');
    const { handlers, ...own } = options;
    checkHandlers(handlers, DATAGRAM_HANDLERS, 'a DatagramSocket');
    this.#reactor = reactor;
    this.#handlers = handlers;
    if (!('fd' in address)) this.#bound = new BoundDatagram(address, own);
    const { fd, address: where } = this.#bound ?? (address as BoundDatagram);
    this.fd = fd;
    this.address = where;
    this.#unix = isUnix(where);
    try {
      reactor.add(fd, { onRead: this.#onRead, nonBlocking: true });
    } catch (error) {
      this.#bound?.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one datagram. False: the kernel has no room now, or the socket is closed; nothing was sent, and `onDrain`
   * follows. Throws a `SystemCallError`: with `EMSGSIZE` when it is too long (65,507 bytes over IPv4, `SO_SNDBUF` over
   * a unix socket), `ENOENT` or `ECONNREFUSED` when no socket is bound to a unix address.
   */
  send(data: Bytes | string, to: SocketAddress): boolean {
    if (this.#closed) return false;
    const bytes = bytesOrText(data);
    const { bytes: address, length } = this.#encode(to);
    for (;;) {
      const result = syscalls.sendTo(this.fd, bytes, 0, bytes.length, address, length);
      if (result >= 0) {
        this.#retryMs = FIRST_RETRY_MS;
        return true;
      }
      if (result === -EAGAIN || result === -ENOBUFS) break;
      // The first is for an earlier datagram to a port that no socket listens on; this one has not been sent yet.
      if (result === -EINTR || (result === -ECONNREFUSED && !this.#unix)) continue;
      throw new SystemCallError('sendto', -result, showAddress(to));
    }
    if (this.#unix) this.#retryLater();
    else this.#reactor.set(this.fd, { onWrite: () => this.#drained() });
    return false;
  }

  /** Takes no more datagrams until `resume`; the kernel drops what does not fit its buffer (`net.core.rmem_default`). */
  pause(): void {
    if (!this.#closed) this.#reactor.set(this.fd, { read: false });
  }

  resume(): void {
    if (!this.#closed) this.#reactor.set(this.fd, { read: true });
  }

  /** Closes the socket; idempotent. What was sent is on its way, what was not received is lost. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.timers.clear(this.#retry);
    this.#reactor.remove(this.fd);
    this.#bound?.close();
  }

  /** The address of the last datagram is kept: most programs answer, or send to one place. */
  #encode(to: SocketAddress): EncodedAddress {
    if (to !== this.#lastTo || this.#lastEncoded === undefined) {
      this.#lastEncoded = encodeAddress(to);
      this.#lastTo = to;
    }
    return this.#lastEncoded;
  }

  #receive(): void {
    const memory = this.#reactor.readMemory;
    this.#turn.begin(this);
    while (this.#receiving && this.#turn.takes()) {
      const bytes = syscalls.receiveFrom(this.fd, memory, 0, READ_BYTES, this.#from);
      if (bytes === -EAGAIN) return;
      if (bytes === -EINTR || bytes === -ECONNREFUSED) continue;
      if (bytes < 0) return this.#failed(new SystemCallError('recvfrom', -bytes));
      const from = decodeAddress(this.#from, this.#unix);
      this.#handlers.onMessage(this, memory, Math.min(bytes, READ_BYTES), from, bytes > READ_BYTES);
    }
  }

  get #receiving(): boolean {
    return !this.#closed && this.#reactor.has(this.fd, 'read');
  }

  #failed(error: SystemCallError): void {
    if (!this.#handlers.onError) throw error;
    this.#handlers.onError(this, error);
  }

  #retryLater(): void {
    if (this.#retry > 0) return;
    this.#retry = this.#reactor.timers.after(this.#retryMs, () => {
      this.#retry = 0;
      this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
      this.#handlers.onDrain?.(this);
    });
  }

  #drained(): void {
    this.#reactor.set(this.fd, { write: false });
    this.#handlers.onDrain?.(this);
  }
}
