import type { SessionSocket } from './session-socket.js';
import type { SocketEnd } from './socket-host.js';

/** A socket of TLS or HTTP/2 that lies over another one, and tells nothing of both ends by itself. */
interface Layered {
  _peername?: SocketEnd;
  _getsockname(): SocketEnd;
  /** Of TLS. */
  readonly _parent?: SessionSocket | null;
  /** Of HTTP/2 without TLS. */
  readonly stream?: SessionSocket;
}

interface LayeredTls extends Layered {
  readonly writableLength: number;
  _destroy(error: Error | null, callback: (error?: Error | null) => void): void;
}

/** A listener of 'secureConnection' before those of the program. */
export function overSession(socket: LayeredTls): void {
  tellEnds(socket);
  destroyBehindWrites(socket);
}

/** A listener of the 'session' of HTTP/2. */
export function sessionOverSession({ socket }: { readonly socket: Layered }): void {
  tellEnds(socket);
}

function tellEnds(socket: Layered): void {
  const under = socket._parent ?? socket.stream;
  if (!under?._getpeername) return;
  socket._peername = under._getpeername();
  socket._getsockname = () => under._getsockname();
}

/**
 * Over a stream of JavaScript, node:tls writes one record after another, and each is under way for a turn. The answer with which
 * node:http refuses a request, and then destroys the socket, would be lost behind the session tickets; by a socket of the kernel it
 * goes out.
 */
function destroyBehindWrites(socket: LayeredTls): void {
  const native = socket._destroy;
  socket._destroy = function (error, callback) {
    if (this.writableLength === 0) return native.call(this, error, callback);
    // In the first turn what is under way has gone, and what waited for it goes.
    setImmediate(() => setImmediate(() => native.call(this, error, callback)));
  };
}
