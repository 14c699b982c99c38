import { SystemCallError } from '@millrace/native';
import { Listener } from '@millrace/reactor';
import type {
  ListenAddress,
  ListenAsked,
  ListenEnded,
  Listening,
  ListenTls,
} from '../contract/control-messages.js';
import { asListener, type ListenerIndex, type WorkerId } from '../contract/ids.js';
import type { ProgramTls } from '../contract/program-tls.js';
import type { StatefulProtocol } from '../contract/protocol.js';
import type { ResolvedPort } from '../options/resolved-port.js';

export interface ProgramListenersParts {
  readonly ports: readonly ResolvedPort[];
  /** Workers have other rights than the master, or another root directory: a path is not the master's to make for them. */
  readonly isOther: boolean;
  /** Clients of that socket are to be accepted from now on; `secure`: their TLS ends in the reactor threads. */
  readonly open: (
    listener: ListenerIndex,
    socket: Listener,
    protocol: StatefulProtocol,
    secure: boolean,
  ) => void;
  /**
   * Clients of that listener that come from here on are to have these keys and certificates. Throws where OpenSSL does not take them.
   * Undefined in base mode: TLS ends in the workers.
   */
  readonly secure?: (listener: ListenerIndex, tls: ProgramTls, worker: WorkerId) => void;
  /** Why the TLS of a listener ends in the workers, though the program's server says that it need not. */
  readonly onInsecure: (reason: string) => void;
  /** In base mode, where each worker has a socket of its own: has one wait for it, and tells by what token it finds it. */
  readonly hand?: (worker: WorkerId, socket: Listener) => string;
  /** In base mode: that process of the worker is to accept by one more socket, which waits for it under that token. */
  readonly handMore?: (worker: WorkerId, pid: number, listener: ListenerIndex, token: string) => void;
  /** No more of them; the socket is closed after it. */
  readonly close: (listener: ListenerIndex) => void;
}

interface ProgramListener {
  readonly index: ListenerIndex;
  readonly key: string;
  readonly protocol: StatefulProtocol;
  /** As the program has said it. */
  readonly address: ListenAddress;
  readonly socket: Listener;
  /** Its TLS ends in the reactor threads. */
  readonly secure: boolean;
  /** In base mode, by worker: the kernel deals clients out to them; what waits in that of a dead worker is the next one's. */
  readonly own: Map<WorkerId, Listener>;
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
  /** How many workers, the first ones, get clients. */
  #workers = Number.POSITIVE_INFINITY;

  constructor(parts: ProgramListenersParts) {
    this.#parts = parts;
    this.#free = parts.ports.flatMap(({ late }, index) => (late ? [asListener(index)] : []));
  }

  /** Those that are bound now. */
  get all(): readonly { readonly index: ListenerIndex; readonly socket: Listener }[] {
    return [...this.#byKey.values()];
  }

  listen({ worker, pid, request, key, protocol, address, tls }: ListenAsked): Listening {
    const to = { type: 'listening', worker, pid, request } as const;
    if (address.path !== undefined && this.#parts.isOther) return { ...to, errno: 0, reason: NO_PATH };
    let found = this.#byKey.get(key);
    if (found === undefined) {
      const index = this.#free[0];
      if (index === undefined) {
        const { length } = this.#parts.ports;
        return { ...to, errno: 0, reason: `the program listens in ${length} places already` };
      }
      try {
        found = {
          index,
          key,
          protocol,
          address,
          socket: this.#bindFirst(address),
          secure: this.#secures(index, tls, worker),
          own: new Map(),
          holders: new Map(),
        };
      } catch (error) {
        return { ...to, ...whyNot(error), refusal: this.#servedOtherwise(address, protocol) };
      }
      this.#free.shift();
      this.#byKey.set(key, found);
      this.#parts.open(index, found.socket, found.secure ? 'http' : protocol, found.secure);
    } else if (found.secure) {
      if (tls === undefined) return { ...to, errno: 0, reason: ENDS_IN_REACTOR, refusal: ENDS_IN_REACTOR };
      try {
        this.#parts.secure?.(found.index, tls, worker);
      } catch (error) {
        return { ...to, ...whyNot(error) };
      }
    }
    const { host, port } = found.socket.address;
    try {
      const socket = this.#parts.hand?.(worker, this.#ownSocket(found, worker, address));
      found.holders.set(worker, pid);
      return { ...to, listener: found.index, host, port, secure: found.secure, socket };
    } catch (error) {
      this.#closeUnheld(found);
      return { ...to, ...whyNot(error) };
    }
  }

  /** It has been told of its own socket: the first worker has those of workers that are gone as well. */
  told({ worker, pid, key }: Pick<ListenAsked, 'worker' | 'pid' | 'key'>): void {
    const found = this.#byKey.get(key);
    if (found?.holders.get(worker) === pid && Math.min(...found.holders.keys()) === worker)
      this.#handOrphans(found, worker);
  }

  ended({ worker, pid, listener }: ListenEnded): void {
    const found = [...this.#byKey.values()].find(({ index }) => index === listener);
    if (found?.holders.get(worker) !== pid) return;
    this.#leaves(found, worker);
  }

  /** Its server has other keys and certificates. Throws where OpenSSL does not take them. */
  changeTls({ worker, pid, listener, tls }: ListenTls): void {
    const found = [...this.#byKey.values()].find(({ index }) => index === listener);
    if (found?.secure === true && found.holders.get(worker) === pid)
      this.#parts.secure?.(listener, tls, worker);
  }

  /**
   * A process of that worker has come up: where only one before it has listened, it does not. Not before that: a worker that has died
   * leaves its clients, and those to come, to the next.
   */
  ready(worker: WorkerId, pid: number): void {
    for (const listener of [...this.#byKey.values()]) {
      if (listener.holders.get(worker) === pid) continue;
      this.#leaves(listener, worker);
    }
  }

  /** No process will have the place of that worker. */
  gone(worker: WorkerId): void {
    for (const listener of [...this.#byKey.values()]) {
      listener.holders.delete(worker);
      this.#closeUnheld(listener);
    }
  }

  /**
   * So many workers get clients from now on. The kernel goes on dealing them out to the sockets of those that go, and what waits there would be
   * lost with them: another worker accepts there as well.
   */
  resized(workers: number): void {
    this.#workers = workers;
    for (const listener of this.#byKey.values()) {
      const keeper = [...listener.holders.keys()].sort((a, b) => a - b)[0];
      if (keeper !== undefined && keeper < workers) this.#handOrphans(listener, keeper);
    }
  }

  #handOrphans({ index, own, holders }: ProgramListener, keeper: WorkerId): void {
    const { hand, handMore } = this.#parts;
    const pid = holders.get(keeper);
    if (hand === undefined || pid === undefined) return;
    for (const [worker, socket] of own)
      if (worker >= this.#workers) handMore?.(keeper, pid, index, hand(keeper, socket));
  }

  /** Closes all sockets; idempotent. `forAll`: workers accept by them, and are to do so no more. */
  close(forAll: boolean): void {
    for (const { socket, own } of this.#byKey.values()) {
      for (const each of [socket, ...own.values()]) {
        if (forAll) each.closeForAll();
        else each.close();
      }
    }
    this.#byKey.clear();
  }

  /** That worker does not listen there any more. */
  #leaves(listener: ProgramListener, worker: WorkerId): void {
    listener.holders.delete(worker);
    // Another one accepts there.
    if (worker >= this.#workers) return this.#closeUnheld(listener);
    // Clients would be dealt out to it still.
    const own = listener.own.get(worker);
    if (own !== listener.socket) own?.close();
    listener.own.delete(worker);
    this.#closeUnheld(listener);
  }

  #closeUnheld({ index, key, socket, own, holders }: ProgramListener): void {
    if (holders.size > 0 || !this.#byKey.delete(key)) return;
    this.#parts.close(index);
    for (const each of [socket, ...own.values()]) each.close();
    this.#free.push(index);
  }

  /** Whether the reactor threads end that TLS. Else the workers do, who have taken it already. */
  #secures(index: ListenerIndex, tls: ProgramTls | undefined, worker: WorkerId): boolean {
    if (tls === undefined || this.#parts.secure === undefined) return false;
    try {
      this.#parts.secure(index, tls, worker);
      return true;
    } catch (error) {
      this.#parts.onInsecure((error as Error).message);
      return false;
    }
  }

  /** The first socket of a place. Of several that share a port the kernel would let in those of another program as well. */
  #bindFirst(address: ListenAddress): Listener {
    if (!this.#hasOwn(address)) return this.#bind(address);
    const probe = this.#bind(address);
    const { port } = probe.address;
    probe.close();
    return this.#bind({ ...address, port }, true);
  }

  /** In base mode, what that worker accepts by. */
  #ownSocket({ socket, own }: ProgramListener, worker: WorkerId, address: ListenAddress): Listener {
    if (!this.#hasOwn(address)) return socket;
    let found = own.get(worker);
    if (found === undefined) {
      // The first one is the first worker's that asks.
      found = own.size === 0 ? socket : this.#bind({ ...address, port: socket.address.port }, true);
      own.set(worker, found);
    }
    return found;
  }

  /** Where a version of the program that still serves has that address for another protocol: why this one cannot have it. */
  #servedOtherwise(address: ListenAddress, protocol: StatefulProtocol): string | undefined {
    const { host, port, path } = address;
    const other = [...this.#byKey.values()].find(
      ({ address: { host: ofHost, port: ofPort, path: ofPath } }) =>
        ofHost === host && ofPort === port && ofPath === path,
    );
    if (other === undefined || other.protocol === protocol) return undefined;
    const where = path ?? `${host ?? '::'}:${port}`;
    return `clients of ${where} are served as those of ${KINDS[other.protocol]}, by what the program said when it first listened, and it wants ${KINDS[protocol]} there now. ${START_ANEW}`;
  }

  #hasOwn({ path }: ListenAddress): boolean {
    return this.#parts.hand !== undefined && path === undefined;
  }

  #bind(address: ListenAddress, reusePort = false): Listener {
    const { host, port = 0, path, backlog, ipv6Only, permissions } = address;
    const options = { ...(backlog !== undefined && { backlog }), noDelay: true, reusePort };
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

/** What the kernel said, or what else is in the way. */
function whyNot(error: unknown): Pick<Listening, 'errno' | 'reason'> {
  return { errno: error instanceof SystemCallError ? error.errno : 0, reason: (error as Error).message };
}

const START_ANEW = 'Start the server anew: a reload cannot change that.';

/** By what decides how the connections of a listener are served, in words of the program. */
const KINDS: Readonly<Record<StatefulProtocol, string>> = {
  http: 'a server of node:http',
  stream: 'a server of bytes, TLS or HTTP/2',
};

const ENDS_IN_REACTOR =
  'TLS ends in the reactor threads there, by what the program said when it first listened; what its server says now (certificates of ' +
  `clients, several keys, callbacks) they cannot do. ${START_ANEW}`;

const NO_PATH =
  "with 'user', 'group' or 'chroot' a program listens on ports alone: the master, which binds, may write where workers may not";

const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);
