import {
  checkHandlers,
  checkOptions,
  checkWait,
  optionNames,
  pickOptions,
  WAIT_OPTION_NAMES,
} from '@millrace/channel';
import { SystemCallError, type TrustedUsers } from '@millrace/native';
import { assertTrusted } from '@millrace/native/internal';
import {
  AF_UNIX,
  check,
  EAGAIN,
  EINPROGRESS,
  type EncodedAddress,
  IPPROTO_TCP,
  SOCK_STREAM,
  syscalls,
  TCP_NODELAY,
} from '@millrace/native/syscalls';
import { MAX_DELAY_MS, MIN_DELAY_MS } from '@millrace/timer-heap';
import { Connection, type ConnectionOptions } from '../connection/connection.js';
import {
  CONNECTION_HANDLERS,
  CONNECTION_OPTION_NAMES,
  CONNECTION_OPTIONS,
} from '../connection/connection-options.js';
import {
  pendingError,
  SOCKET_OPTION_NAMES,
  type SocketOptions,
  setOption,
  setSocketOptions,
} from '../connection/socket-options.js';
import { ReactorError, reactorClosed } from '../errors.js';
import { addClosing, dropClosing } from '../loop/closing.js';
import type { Reactor } from '../loop/reactor.js';
import { encodeAddress, isUnix, type SocketAddress, showAddress } from './addresses.js';

export interface ConnectOptions<Context = undefined> extends ConnectionOptions<Context>, SocketOptions {
  /** Milliseconds until `ERR_MILLRACE_CONNECT_TIMEOUT`; Infinity: for ever. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Gives up when it aborts, with its reason as the error. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** TCP: whether to send at once, without waiting to fill a packet. Default true. */
  readonly noDelay?: boolean | undefined;
  /**
   * A unix socket: users, besides root and this process's, whose listener is taken, for any user may have made the name
   * first. Default: none.
   */
  readonly trustedUsers?: TrustedUsers | undefined;
}

/** Gets the connection, or why there is none. Called once, in a turn of the reactor or when that closes. */
export type ConnectCallback<Context> = (
  error: Error | undefined,
  connection: Connection<Context> | undefined,
) => void;

const CONNECT_OPTIONS = optionNames<ConnectOptions<unknown>>({
  ...CONNECTION_OPTION_NAMES,
  ...SOCKET_OPTION_NAMES,
  ...WAIT_OPTION_NAMES,
  noDelay: true,
  trustedUsers: true,
});
const DEFAULT_TIMEOUT_MS = 10_000;
/** Milliseconds until a unix socket whose backlog is full is tried again: there, the kernel does not queue. */
const FULL_RETRY_MS = 5;

/**
 * Connects to a TCP or unix listener. With a callback it works in a turn of the reactor, whatever the mode; the
 * promise form needs promises to be run: Node's loop, or an `await` between the turns of a blocking reactor.
 *
 * The error is a `SystemCallError` that names the address (`ECONNREFUSED`, `ENOENT` …), a `ReactorError` with
 * `ERR_MILLRACE_CONNECT_TIMEOUT`, or `ERR_MILLRACE_REACTOR_CLOSED` when the reactor closes before; an
 * `UntrustedError` where another user listens at a unix socket; or the signal's reason. A bad address or option, and a reactor that is closed, are thrown, or rejected, at once.
 */
export function connect<Context = undefined>(
  reactor: Reactor,
  address: SocketAddress,
  options: ConnectOptions<Context>,
): Promise<Connection<Context>>;
export function connect<Context = undefined>(
  reactor: Reactor,
  address: SocketAddress,
  options: ConnectOptions<Context>,
  callback: ConnectCallback<Context>,
): void;
export function connect<Context>(
  reactor: Reactor,
  address: SocketAddress,
  options: ConnectOptions<Context>,
  callback?: ConnectCallback<Context>,
): Promise<Connection<Context>> | undefined {
  if (callback !== undefined) {
    new Attempt(reactor, address, options, callback);
    return undefined;
  }
  return new Promise((resolve, reject) => {
    new Attempt(reactor, address, options, (error, connection) => {
      if (connection) resolve(connection);
      else reject(error);
    });
  });
}

/** One attempt to connect. */
class Attempt<Context> {
  readonly #reactor: Reactor;
  readonly #name: string;
  readonly #encoded: EncodedAddress;
  readonly #options: ConnectOptions<Context>;
  readonly #callback: ConnectCallback<Context>;
  readonly #fd: number;
  readonly #aborted = () => this.#failed(this.#options.signal?.reason as Error);
  readonly #reactorClosed = () => this.#failed(reactorClosed());
  #timeout = 0;
  #retry = 0;
  #settled = false;

  constructor(
    reactor: Reactor,
    address: SocketAddress,
    options: ConnectOptions<Context>,
    callback: ConnectCallback<Context>,
  ) {
    checkOptions(options, CONNECT_OPTIONS, 'connect()');
    checkHandlers(options.handlers, CONNECTION_HANDLERS, 'a connection');
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options;
    checkWait({ signal, timeout });
    if (reactor.closed) throw reactorClosed();
    this.#reactor = reactor;
    this.#name = showAddress(address);
    this.#encoded = encodeAddress(address);
    this.#options = options;
    this.#callback = callback;
    this.#fd = check(syscalls.socket(this.#encoded.family, SOCK_STREAM, 0), 'socket', this.#name);
    try {
      setSocketOptions(this.#fd, options, false);
      if (!isUnix(address) && options.noDelay !== false)
        setOption(this.#fd, IPPROTO_TCP, TCP_NODELAY, 1, 'TCP_NODELAY');
      if (timeout !== Number.POSITIVE_INFINITY)
        this.#timeout = reactor.timers.after(Math.min(Math.max(timeout, MIN_DELAY_MS), MAX_DELAY_MS), () =>
          this.#timedOut(timeout),
        );
      signal?.addEventListener('abort', this.#aborted);
      addClosing(reactor, this.#reactorClosed);
      this.#connect();
    } catch (error) {
      this.#settle();
      syscalls.close(this.#fd);
      throw error;
    }
  }

  #connect(): void {
    const result = syscalls.connect(this.#fd, this.#encoded.bytes, this.#encoded.length);
    if (result === -EAGAIN) {
      this.#retry = this.#reactor.timers.after(FULL_RETRY_MS, () => this.#connect());
    } else if (result === 0 || result === -EINPROGRESS) {
      // A socket that is connected already is writable at once: the callback never runs within `connect`.
      this.#reactor.add(this.#fd, { onWrite: () => this.#writable(), nonBlocking: true });
    } else {
      this.#reactor.defer(() => this.#failed(new SystemCallError('connect', -result, this.#name)));
    }
  }

  #checkListener(): void {
    const user = check(syscalls.peerUser(this.#fd), 'getsockopt', this.#name);
    const advice = 'Listen in a directory that only this user may write, or name the user in `trustedUsers`.';
    assertTrusted(`The listener at ${this.#name}`, user, this.#options.trustedUsers, advice);
  }

  #writable(): void {
    const error = pendingError(this.#fd);
    if (error !== 0) return this.#failed(new SystemCallError('connect', error, this.#name));
    if (this.#encoded.family === AF_UNIX) {
      try {
        this.#checkListener();
      } catch (untrusted) {
        return this.#failed(untrusted as Error);
      }
    }
    if (!this.#settle()) return;
    let connection: Connection<Context>;
    try {
      const own = pickOptions(this.#options, CONNECTION_OPTIONS) as ConnectionOptions<Context>;
      connection = new Connection(this.#reactor, this.#fd, own);
    } catch (error) {
      syscalls.close(this.#fd);
      return this.#callback(error as Error, undefined);
    }
    this.#callback(undefined, connection);
  }

  #timedOut(timeout: number): void {
    const message = `No connection to ${this.#name} within ${timeout} ms.`;
    this.#failed(new ReactorError('ERR_MILLRACE_CONNECT_TIMEOUT', message));
  }

  #failed(error: Error): void {
    if (!this.#settle()) return;
    syscalls.close(this.#fd);
    this.#callback(error, undefined);
  }

  /** Ends the waiting; false when it had ended. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#reactor.timers.clear(this.#timeout);
    this.#reactor.timers.clear(this.#retry);
    this.#reactor.remove(this.#fd);
    dropClosing(this.#reactor, this.#reactorClosed);
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    return true;
  }
}
