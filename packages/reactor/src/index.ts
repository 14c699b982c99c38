/**
 * An epoll event loop for any Node thread, and sockets on it.
 *
 * To read the source: reactor.ts is the loop and its order; descriptors.ts is what it watches; connection.ts is a
 * stream socket, with frame-input.ts (in, cut by the framing-*.ts) and output-queue.ts (out); listener.ts, connect.ts
 * and datagram.ts make sockets; tls-acceptor.ts and tls-connection.ts are the same over TLS.
 */
export type { InetAddress, UnixAddress } from '@millrace/native';
export { type SocketAddress, showAddress } from './addresses.js';
export { type ConnectCallback, type ConnectOptions, connect } from './connect.js';
export { Connection } from './connection.js';
export { ConnectionKind } from './connection-kind.js';
export type { CloseReason, ConnectionHandlers, ConnectionOptions } from './connection-options.js';
export { BoundDatagram, type DatagramHandlers, type DatagramOptions, DatagramSocket } from './datagram.js';
export { ReactorError, type ReactorErrorCode } from './errors.js';
export { FrameInput } from './frame-input.js';
export { type Framer, MALFORMED } from './framer.js';
export { createFramer, DEFAULT_MAX_FRAME_LENGTH, type Framing } from './framing.js';
export type { Measure } from './framing-function.js';
export { type LengthType, lengthTypes } from './framing-length.js';
export {
  type AdoptedListenerOptions,
  type InetListenerOptions,
  Listener,
  type ListenerHandlers,
  type ListenerOptions,
  type UnixListenerOptions,
} from './listener.js';
export { MemoryUse } from './memory-use.js';
export type { ReactorOptions } from './options.js';
export type { SendFileOptions } from './outgoing-file.js';
export { OutputQueue } from './output-queue.js';
export { Reactor } from './reactor.js';
export type { KeepAliveOptions, SocketOptions, TcpOptions } from './socket-options.js';
export type { StreamConnection } from './stream-connection.js';
export { TlsAcceptor, type TlsAcceptorOptions } from './tls-acceptor.js';
export { TlsConnection, type TlsConnectionOptions } from './tls-connection.js';
export type { AddOptions, WatchCallbacks, WatchOptions } from './watch.js';
