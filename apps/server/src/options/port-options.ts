import type { Framing, KeepAliveOptions } from '@millrace/reactor';
import type { TlsOptions } from './tls-options.js';

/** How a port's stream is cut to messages. */
export type PortFraming =
  | Exclude<Framing, { kind: 'function' }>
  /**
   * A function says how long a message is. Reactor threads run it, so it comes from a module that exports it as
   * `measure`: `export function measure(bytes: Buffer, start: number, end: number): number`, which returns the length
   * of the message that begins at `start`, 0 when more bytes are needed to know, -1 when the stream cannot go on.
   */
  | { readonly kind: 'function'; readonly module: string | URL };

/**
 * Where a server listens, how it cuts what arrives there, and what its sockets are told. Times are milliseconds, but for
 * those of the kernel, and sizes bytes.
 */
export interface PortOptions {
  // Where it listens

  /**
   * `'stream'`: TCP, or a unix socket where there is a `path`; `'datagram'`: UDP, or unix datagrams.
   * @default 'stream'
   * @swoole type of `listen`
   */
  readonly type?: 'stream' | 'datagram';
  /**
   * An IPv4 or IPv6 address, by its literal.
   * @default '127.0.0.1'
   * @swoole host of `listen`
   */
  readonly host?: string;
  /**
   * The port; 0 picks a free one, which `server.addresses` tells. A listener has this, `path`, `fd` or `activation`.
   * @default none
   * @swoole port of `listen`
   */
  readonly port?: number;
  /**
   * The path of a unix socket, for streams or datagrams. A leading NUL: a name in the abstract namespace.
   * @default none
   * @swoole host of `listen`
   */
  readonly path?: string;
  /**
   * The descriptor of a bound socket that the program was started with. It stays open.
   * @default none
   */
  readonly fd?: number;
  /**
   * The name of a socket that systemd hands over: `FileDescriptorName=` of its socket unit, or that unit's own name. Several
   * of one name are taken in their order. Not with `daemonize`.
   * @default none
   */
  readonly activation?: string;
  /**
   * Permissions of a unix socket's file, as `chmod` takes them.
   * @default what the umask leaves
   */
  readonly permissions?: number;
  /**
   * Whether other programs that ask for it too may listen on the same port. In base mode each worker has a socket of its own
   * then, the kernel chooses among them by the client's address, and clients that wait in that of a dead or replaced worker
   * are served by the next.
   * @default false
   * @swoole `enable_reuse_port`
   */
  readonly reusePort?: boolean;

  // What arrives

  /**
   * TLS, for clients of TCP. Not taken over from the first listener: [its options](docs/options.md#tls).
   * @default none
   */
  readonly tls?: TlsOptions;
  /**
   * How the stream is cut to messages: [by a delimiter, a length or a function](docs/options.md#framing); with
   * `{ kind: 'none' }` each read is one.
   * @default { kind: 'none' }
   */
  readonly framing?: PortFraming;
  /**
   * Bytes of the longest message; no lower bound. A client that sends a longer one is disconnected.
   * @default 2 MiB
   * @swoole `package_max_length`
   */
  readonly packageMaxLength?: number;
  /**
   * Milliseconds without a byte from a client after which it is closed.
   * @default twice `heartbeatCheckInterval`, if that is given, else never
   * @swoole `heartbeat_idle_time`
   */
  readonly heartbeatIdleTime?: number;
  /**
   * Milliseconds with neither a byte from a client nor one to it after which it is closed.
   * @default 0: never
   * @swoole `max_idle_time`
   */
  readonly maxIdleTime?: number;

  // What waits for a client

  /**
   * Bytes that may wait for one client. Beyond it `send` throws, and nothing is dropped.
   * @default 8 MiB
   * @swoole `socket_buffer_size`
   */
  readonly socketBufferSize?: number;
  /**
   * Bytes that wait for one client above which `send` returns false and `bufferFull` comes; the client is not read from.
   * @default half of `socketBufferSize`
   * @swoole `buffer_high_watermark`
   */
  readonly bufferHighWatermark?: number;
  /**
   * Bytes that still wait when `bufferEmpty` comes and `drained` resolves.
   * @default 0
   * @swoole `buffer_low_watermark`
   */
  readonly bufferLowWatermark?: number;

  // What the kernel is told

  /**
   * Connections that the kernel completes ahead of the server, at most `net.core.somaxconn`.
   * @default 512
   * @swoole `backlog`
   */
  readonly backlog?: number;
  /**
   * Whether what is sent goes out at once, without waiting to fill a packet.
   * @default true
   * @swoole `open_tcp_nodelay`
   */
  readonly noDelay?: boolean;
  /**
   * Whether the kernel asks silent clients if they are there: `true`, or `{ idle, interval, count }`, in seconds and
   * questions. What is not named is the kernel's.
   * @default false
   * @swoole `open_tcp_keepalive`, `tcp_keepidle`, `tcp_keepinterval`, `tcp_keepcount`
   */
  readonly keepAlive?: boolean | KeepAliveOptions;
  /**
   * Seconds that the kernel keeps a connection until its first bytes are there.
   * @default 0 s
   * @swoole `tcp_defer_accept`
   */
  readonly deferAccept?: number;
  /**
   * TCP fast open: connections that may wait unconfirmed, the length of its queue.
   * @default 0: off
   * @swoole `tcp_fastopen`
   */
  readonly fastOpen?: number;
  /**
   * Milliseconds that what was sent may go unanswered by the client's kernel.
   * @default 0: the kernel's own rule
   * @swoole `tcp_user_timeout`
   */
  readonly userTimeout?: number;
  /**
   * Bytes of the kernel's buffer of what each connection has sent and the server has not read.
   * @default the system's
   * @swoole `kernel_socket_recv_buffer_size`
   */
  readonly receiveBufferSize?: number;
  /**
   * Bytes of the kernel's buffer of what each connection is still to be sent.
   * @default the system's
   * @swoole `kernel_socket_send_buffer_size`
   */
  readonly sendBufferSize?: number;
}

/** What reads the requests of a served listener: node:http, or `@millrace/http` before it. */
export type HttpEngine = (typeof HTTP_ENGINES)[number];
export const HTTP_ENGINES = ['node', 'lean'] as const;

/** Where a server of the program is served: all that a listener takes, but what is of messages. */
export interface ServeOptions extends Omit<PortOptions, 'type' | 'framing' | 'packageMaxLength'> {
  /**
   * What reads the requests: `'node'` is node:http; `'lean'` is `@millrace/http`, which has the well-formed ones and leaves all others to
   * node:http. For a function `(request, response)` or a server of node:http.
   * @default `httpEngine` of the server
   */
  readonly engine?: HttpEngine;
}

/** Whether its socket comes from outside: what it is bound to is not in the options then, and `host` is empty. */
export function isInherited({
  fd,
  activation,
}: {
  readonly fd?: number | undefined;
  readonly activation?: string | undefined;
}): boolean {
  return fd !== undefined || activation !== undefined;
}
