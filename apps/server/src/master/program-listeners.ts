import { SystemCallError } from '@millrace/native';
import { Listener } from '@millrace/reactor';
import type { ListenAsked, ListenEnded, Listening } from '../contract/control-messages.js';
import { asListener, type ListenerIndex, type WorkerId } from '../contract/ids.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { ResolvedPort } from '../options/resolved-port.js';

export interface ProgramListenersParts {
  readonly ports: readonly ResolvedPort[];
  /** Clients of that socket are to be accepted from now on. */
  readonly open: (listener: ListenerIndex, socket: Listener, protocol: StatefulProtocol) => void;
  /** In base mode: has the socket wait for that worker, and tells by what token it finds it. */
  readonly hand?: (worker: WorkerId, socket: Listener) => string;
  /** No more of them; the socket is closed after it. */
  readonly close: (listener: ListenerIndex) => void;
}

interface ProgramListener {
  readonly index: ListenerIndex;
  readonly key: string;
  readonly socket: Listener;
  readonly protocol: StatefulProtocol;
  /** By worker, the process of it that listens. */
  readonly holders: Map<WorkerId, number>;
}

/**
 * The listeners that an unchanged program asks for by `listen`, in the master. The first worker that asks makes one, the others
 * join it; it stays through deaths and reloads, and is closed when no worker listens any more.
 */
export class ProgramListeners {
  readonly #parts: ProgramListenersParts;
  readonly #byKey = new Map<string, ProgramListener>();
  /** Those of the plan that no program listens on. */
  readonly #free: ListenerIndex[];

  constructor(parts: ProgramListenersParts) {
    this.#parts = parts;
    this.#free = parts.ports.flatMap(({ late }, index) => (late ? [asListener(index)] : []));
  }

  /** Those that are bound now. */
  get all(): readonly { readonly index: ListenerIndex; readonly socket: Listener }[] {
    return [...this.#byKey.values()];
  }

  listen({ worker, pid, request, key, protocol, address }: ListenAsked): Listening {
    const to = { type: 'listening', worker, pid, request } as const;
    let found = this.#byKey.get(key);
    if (found !== undefined && found.protocol !== protocol) {
      const reason = `another worker listens there with a server of another kind (${found.protocol}, not ${protocol})`;
      return { ...to, errno: 0, reason };
    }
    if (found === undefined) {
      const index = this.#free[0];
      if (index === undefined) {
        const { length } = this.#parts.ports;
        return { ...to, errno: 0, reason: `the program listens in ${length} places already` };
      }
      try {
        found = { index, key, socket: this.#bind(address), protocol, holders: new Map() };
      } catch (error) {
        if (!(error instanceof SystemCallError)) return { ...to, errno: 0, reason: (error as Error).message };
        return { ...to, errno: error.errno, reason: error.message };
      }
      this.#free.shift();
      this.#byKey.set(key, found);
      this.#parts.open(index, found.socket, protocol);
    }
    found.holders.set(worker, pid);
    const { host, port } = found.socket.address;
    const socket = this.#parts.hand?.(worker, found.socket);
    return { ...to, listener: found.index, host, port, socket };
  }

  ended({ worker, pid, listener }: ListenEnded): void {
    const found = [...this.#byKey.values()].find(({ index }) => index === listener);
    if (found?.holders.get(worker) !== pid) return;
    found.holders.delete(worker);
    this.#closeUnheld(found);
  }

  /**
   * A process of that worker has come up: where only one before it has listened, it does not. Not before that: a worker that has died
   * leaves its clients, and those to come, to the next.
   */
  ready(worker: WorkerId, pid: number): void {
    for (const listener of [...this.#byKey.values()]) {
      if (listener.holders.get(worker) === pid) continue;
      listener.holders.delete(worker);
      this.#closeUnheld(listener);
    }
  }

  /** Closes all sockets; idempotent. `forAll`: workers accept by them, and are to do so no more. */
  close(forAll: boolean): void {
    for (const { socket } of this.#byKey.values()) {
      if (forAll) socket.closeForAll();
      else socket.close();
    }
    this.#byKey.clear();
  }

  #closeUnheld({ index, key, socket, holders }: ProgramListener): void {
    if (holders.size > 0 || !this.#byKey.delete(key)) return;
    this.#parts.close(index);
    socket.close();
    this.#free.push(index);
  }

  #bind({ host, port = 0, path, backlog, ipv6Only, permissions }: ListenAsked['address']): Listener {
    const options = { ...(backlog !== undefined && { backlog }), noDelay: true };
    if (path !== undefined)
      return new Listener({ path, ...options, ...(permissions !== undefined && { permissions }) });
    if (host !== undefined) return new Listener({ host, port, ...options, ...(ipv6Only && { ipv6Only }) });
    // As Node does: all addresses of both families, where the machine has IPv6.
    try {
      return new Listener({ host: '::', port, ...options });
    } catch (error) {
      if (!(error instanceof SystemCallError) || !NO_IPV6.has(error.errnoName)) throw error;
      return new Listener({ host: '0.0.0.0', port, ...options });
    }
  }
}

const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);
