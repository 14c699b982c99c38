/**
 * An epoll event loop for any Node thread, inside Node's own loop or in place of it, with TCP, unix and UDP sockets, TLS,
 * framing, timers and back-pressure on top.
 *
 * ```ts
 * const reactor = new Reactor();
 * const listener = new Listener({ host: '127.0.0.1', port: 9000 });
 * listener.start(reactor, {
 *   onAccept: (fd) =>
 *     new Connection(reactor, fd, {
 *       framing: { kind: 'eof', delimiter: '\n', includeDelimiter: true },
 *       handlers: { onFrame: (connection, memory, start, end) => connection.write(memory, start, end) },
 *     }),
 * });
 * ```
 *
 * To read the source: loop/reactor.ts is the loop and its order, loop/descriptors.ts is what it watches;
 * connection/connection.ts is a stream socket, with framing/frame-input.ts (in) and output/output-queue.ts (out);
 * sockets/ has listener.ts, connect.ts and datagram.ts; tls/ is the same over TLS.
 *
 * @packageDocumentation
 */

export type { InetAddress, UnixAddress } from '@millrace/native';
export {
  Connection,
  type ConnectionHandlers,
  ConnectionKind,
  type ConnectionOptions,
} from './connection/connection.js';
export type { KeepAliveOptions, SocketOptions, TcpOptions } from './connection/socket-options.js';
export type { CloseReason, StreamConnection } from './connection/stream-connection.js';
export { ReactorError, type ReactorErrorCode } from './errors.js';
export type { Framer } from './framing/framer.js';
export { DEFAULT_MAX_FRAME_LENGTH, type Framing } from './framing/framing.js';
export type { Measure } from './framing/framing-function.js';
export { type LengthType, lengthTypes } from './framing/framing-length.js';
export type { ReactorOptions } from './loop/options.js';
export { Reactor } from './loop/reactor.js';
export type { AddOptions, Interest, WatchCallbacks, WatchOptions } from './loop/watch.js';
export type { MemoryUse } from './output/memory-use.js';
export type { SendFileOptions } from './output/outgoing-file.js';
export { type SocketAddress, showAddress } from './sockets/addresses.js';
export { type ConnectCallback, type ConnectOptions, connect } from './sockets/connect.js';
export {
  BoundDatagram,
  type DatagramHandlers,
  type DatagramOptions,
  DatagramSocket,
} from './sockets/datagram.js';
export {
  type AdoptedListenerOptions,
  type InetListenerOptions,
  Listener,
  type ListenerHandlers,
  type ListenerOptions,
  type UnixListenerOptions,
} from './sockets/listener.js';
export { TlsAcceptor, type TlsAcceptorOptions } from './tls/tls-acceptor.js';
export { TlsConnection, type TlsConnectionOptions } from './tls/tls-connection.js';
