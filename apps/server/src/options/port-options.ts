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

/** Where a server listens, how it cuts what arrives there, and what its sockets are told. Times in milliseconds. */
export interface PortOptions {
  /** `'stream'`: TCP, or a unix socket where there is a `path`. `'datagram'`: UDP, or unix datagrams. Default `'stream'`. */
  readonly type?: 'stream' | 'datagram';
  /** An IPv4 or IPv6 address. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** 0 picks a free one. A listener has this, `path`, `fd` or `activation`. */
  readonly port?: number;
  /** Of a unix socket; a leading NUL: a name in the abstract namespace. */
  readonly path?: string;
  /** The descriptor of a socket that whoever started the program has bound. It stays open. */
  readonly fd?: number;
  /** The name of a socket that systemd hands over (`FileDescriptorName=`); several of one name in their order. */
  readonly activation?: string;
  /** Permissions of the socket's file, as `chmod` takes them. Default: what the umask leaves. */
  readonly fileMode?: number;

  /** TLS, for clients of TCP. Default: none. */
  readonly tls?: TlsOptions;

  /** How the stream is cut to messages. Default `{ kind: 'none' }`: each read is one. */
  readonly framing?: PortFraming;
  /** Bytes of the longest message; a client that sends a longer one is disconnected. Default 2 MiB. */
  readonly packageMaxLength?: number;

  /** Bytes that may wait for one client; at more, `send` is an error. Default 8 MiB. */
  readonly socketBufferSize?: number;
  /** Bytes that wait for one client above which `send` returns false and `bufferFull` comes. Default: half of that. */
  readonly bufferHighWatermark?: number;
  /** Bytes that still wait when `bufferEmpty` comes and `drained` resolves. Default 0. */
  readonly bufferLowWatermark?: number;

  /** Connections that the kernel completes ahead of the server, at most `net.core.somaxconn`. Default 512. */
  readonly backlog?: number;
  /** Whether what is sent goes out at once, without waiting to fill a packet. Default true. */
  readonly noDelay?: boolean;
  /** Whether the kernel asks silent clients if they are there; times in seconds. Default false. */
  readonly keepAlive?: boolean | KeepAliveOptions;
  /** Seconds that the kernel keeps a connection until its first bytes are there. Default 0. */
  readonly deferAccept?: number;
  /** TCP fast open: connections that may wait unconfirmed. Default 0: off. */
  readonly fastOpen?: number;
  /** Milliseconds that what was sent may go unanswered by the client's kernel. Default 0: the kernel's own rule. */
  readonly userTimeout?: number;
  /**
   * Whether other programs that ask for it too may listen on the same port; in base mode each worker has a socket of
   * its own then, and the kernel chooses among them by the client's address. Default false.
   */
  readonly reusePort?: boolean;
  /** Bytes of the kernel's buffers of each connection. Default: the system's. */
  readonly receiveBufferSize?: number;
  readonly sendBufferSize?: number;

  /** Milliseconds without a byte from a client after which it is closed. Default: see `heartbeatCheckInterval`. */
  readonly heartbeatIdleTime?: number;
  /** Milliseconds without a byte from or to a client after which it is closed. Default 0: never. */
  readonly maxIdleTime?: number;
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
