import { createServer, type Server, type Socket } from 'node:net';
import type { ListenerIndex } from '../contract/ids.js';
import { IDLE_END_MS, OwnConnections } from '../sockets/own-connections.js';
import { writeLate } from './late-writes.js';

/** Milliseconds between two looks whether connections are left, while a worker leaves. */
const LEFT_POLL_MS = 50;

/**
 * How long a connection that is kept has in a reload for a request that ends it, before it is closed as idle, and the part of the time of
 * its process that this may be: a request that is on its way to a connection which is closed is lost.
 */
const LAST_REQUEST_MS = 1_000;
const LAST_REQUEST_PART = 1 / 3;

interface NativeServer extends Server {
  _handle: { close(): void } | null;
}

/** The servers of a program that accept by themselves, in base mode: their connections end with the process. */
export class NativeServers {
  readonly #servers = new Map<NativeServer, OwnConnections>();

  /** Servers beside one of the program's, whose clients are that one's. */
  readonly #more = new Map<Server, NativeServer[]>();
  readonly #byListener = new Map<ListenerIndex, Server>();

  /** `server` listens by a socket of the master's; `onClose`: it does no more. */
  add(server: Server, listener: ListenerIndex, onClose: () => void): void {
    this.#byListener.set(listener, server);
    const connections = new OwnConnections(server);
    const stopHolding = writeLate(server);
    this.#servers.set(server as NativeServer, connections);
    server.once('close', () => {
      this.#servers.delete(server as NativeServer);
      if (this.#byListener.get(listener) === server) this.#byListener.delete(listener);
      for (const more of this.#more.get(server) ?? []) more.close();
      this.#more.delete(server);
      connections.detach();
      stopHolding();
      onClose();
    });
  }

  of(listener: ListenerIndex): Server | undefined {
    return this.#byListener.get(listener);
  }

  /** One more server, not listening yet, whose clients come to `server`. */
  more(server: Server): Server {
    const { allowHalfOpen = false, noDelay = false } = server as Server & {
      readonly allowHalfOpen?: boolean;
      readonly noDelay?: boolean;
    };
    const made = createServer({ allowHalfOpen, noDelay }, (socket: Socket) => {
      server.emit('connection', socket);
    });
    // The program's own server keeps the process, and is told of what fails.
    made.unref().on('error', (error) => server.emit('error', error));
    this.#more.set(server, [...(this.#more.get(server) ?? []), made as NativeServer]);
    return made;
  }

  /**
   * Accepts no more, and resolves when the last connection has ended. `waitMs`: the time of a process that others replace; clients of a server
   * that ends have nowhere to go, and those that ask nothing are not waited for for as long.
   */
  async leave(waitMs?: number): Promise<void> {
    const idleMs = waitMs === undefined ? IDLE_END_MS : Math.min(LAST_REQUEST_MS, waitMs * LAST_REQUEST_PART);
    for (const [server, connections] of this.#servers) {
      connections.leave(idleMs);
      // The socket is the master's: other workers go on. The program is not told, it would end what it has in hand.
      for (const each of [server, ...(this.#more.get(server) ?? [])]) {
        each._handle?.close();
        each._handle = null;
      }
    }
    for (;;) {
      let open = 0;
      for (const server of this.#servers.keys())
        for (const each of [server, ...(this.#more.get(server) ?? [])]) open += await connectionsOf(each);
      if (open === 0) return;
      await new Promise((resolve) => setTimeout(resolve, LEFT_POLL_MS));
    }
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
