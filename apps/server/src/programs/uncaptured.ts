import cluster from 'node:cluster';
import { Socket } from 'node:dgram';

/** What a program listens on by itself, whatever runs it. */
export interface UncapturedEvents {
  /** It starts processes of its own by node:cluster, which listen by this one. */
  readonly onCluster: () => void;
  /** It binds a UDP socket to a port that it names. */
  readonly onDatagramSocket: (port: number) => void;
}

interface Bindable {
  bind: (this: Socket, ...args: readonly unknown[]) => Socket;
}

/** Tells of each, once. */
export function watchUncaptured({ onCluster, onDatagramSocket }: UncapturedEvents): void {
  cluster.once('setup', onCluster);
  const prototype = Socket.prototype as unknown as Bindable;
  const { bind } = prototype;
  prototype.bind = function (...args) {
    const [first] = args;
    const port = typeof first === 'object' && first !== null ? (first as { port?: unknown }).port : first;
    // One of a client has any port.
    if (typeof port === 'number' && port > 0) {
      prototype.bind = bind;
      onDatagramSocket(port);
    }
    return bind.apply(this, args as []);
  };
}
