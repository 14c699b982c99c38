import { Listener } from '@millrace/reactor';
import { type Descriptors, datagramName } from '../links/descriptor-names.js';
import type { Topology } from '../links/topology.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import { ActivatedSockets } from './activation.js';
import { bindSockets } from './base-sockets.js';
import { type Bound, bindPort } from './listeners.js';

/** Everything that the server listens on from its start, bound. */
export class ServerSockets {
  /** One for each listener, but for those that a program asks for later. */
  readonly listeners: readonly (Bound | undefined)[];
  /** What the processes below accept and receive from: in base mode all, else datagrams alone. */
  readonly inherited: Descriptors;
  /** All of them; in base mode a listener may have several. */
  readonly #all: readonly Bound[];
  readonly #isBase: boolean;

  /** Throws `ERR_MILLRACE_LISTEN`, and then nothing is bound. */
  constructor(ports: readonly ResolvedPort[], { base, startWorkers, datagrams }: Topology) {
    const given = new ActivatedSockets();
    this.#isBase = base !== undefined;
    if (base) {
      const { first, all, descriptors } = bindSockets(ports, base, startWorkers, given);
      this.listeners = first;
      this.#all = all;
      this.inherited = descriptors;
      return;
    }
    const all: Bound[] = [];
    try {
      this.listeners = ports.map((port) => {
        if (port.late) return undefined;
        const bound = bindPort(port, given);
        all.push(bound);
        return bound;
      });
    } catch (error) {
      for (const bound of all) bound.close();
      throw error;
    }
    this.#all = all;
    this.inherited = Object.fromEntries(
      datagrams.map((port) => [datagramName(port), (this.listeners[port] as Bound).fd]),
    );
  }

  /** No client comes by them any more. Workers that accept from a socket, and processes that have inherited it, end that with this. */
  stopListening(): void {
    for (const socket of this.#all) {
      // Those of datagrams are the reactor threads' as well, until they have ended.
      if (!(socket instanceof Listener)) continue;
      if (this.#isBase) socket.closeForAll();
      else socket.close();
    }
  }

  close(): void {
    for (const socket of this.#all) socket.close();
  }
}
