import type { Poller } from '@millrace/channel';
import { MappedMemory } from '@millrace/native';
import type { FindDescriptor, PeerLinks } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { PeerId, ReactorIndex } from '../contract/ids.js';
import { ConnectionTable } from '../shared/connection-table.js';
import { Counters } from '../shared/counters.js';
import { LogRing } from '../shared/log-ring.js';
import { LOG_RING_BYTES } from '../shared/log-ring-layout.js';
import { ResumeTable } from '../shared/resume-table.js';
import { SessionTrace } from '../shared/session-trace.js';
import { TlsTable } from '../shared/tls-table.js';
import { reactorIn, TRACE_BYTES } from '../shared/trace-layout.js';
import { CONNECTIONS, COUNTERS, RESUME, TLS, TRACE } from './descriptor-names.js';
import { FileReceiver } from './file-link.js';
import { type ASIDE, ASIDE_FILES, FILES, LINK, linksOf, type PEER, type REACTOR } from './server-plan.js';
import { connectionParts, counterBytes, countersShape } from './table-sizes.js';
import { type Topology, workerOfAside } from './topology.js';

/** Maps what the server counts, beside what a {@link OpenedResources} maps. */
export function openCounters(topology: Topology, fd: number): Counters {
  return new Counters(new MappedMemory(fd, counterBytes(topology)).buffer, countersShape(topology));
}

/** Maps the last lines of the log. */
export function openLogRing(fd: number): LogRing {
  return new LogRing(new MappedMemory(fd, LOG_RING_BYTES).buffer);
}

/** Maps what is noted of sessions that are traced, for the process that says which these are. */
export function openTrace(fd: number): ArrayBuffer {
  return new MappedMemory(fd, TRACE_BYTES).buffer;
}

/** What all of a server share, as one of its peers or reactors has it open; mapped as it is first asked for. */
export class OpenedResources {
  readonly links: PeerLinks;
  readonly #topology: Topology;

  constructor(
    topology: Topology,
    group: typeof PEER | typeof REACTOR | typeof ASIDE,
    number: number,
    find: FindDescriptor,
  ) {
    this.#topology = topology;
    this.links = linksOf(topology).open(group, number, find);
  }

  /** Maps the rings of a peer, before they are its: opening them takes the less time then. */
  mapLinks(): void {
    for (let reactor = 0; reactor < this.#topology.reactors; reactor++) this.links.map(LINK, reactor);
  }

  connections(): ConnectionTable {
    const { maxConnections } = this.#topology;
    return new ConnectionTable(
      this.links.memory(CONNECTIONS),
      maxConnections,
      connectionParts(this.#topology),
    );
  }

  counters(): Counters {
    return new Counters(this.links.memory(COUNTERS), countersShape(this.#topology));
  }

  /** Where `who` notes what it does with the messages of sessions that are traced. */
  trace(who: { readonly peer: PeerId } | { readonly reactor: ReactorIndex }): SessionTrace {
    return new SessionTrace(this.links.memory(TRACE), 'peer' in who ? who.peer : reactorIn(who.reactor));
  }

  /** Undefined where no listener has TLS, or may come to have it. */
  tls(): TlsTable | undefined {
    const { tlsDetails, maxConnections, reactors } = this.#topology;
    return tlsDetails ? new TlsTable(this.links.memory(TLS), maxConnections, reactors) : undefined;
  }

  /** What is kept of those of `connections` that can be resumed; undefined where connections end with their process. */
  resumable(connections: ConnectionTable): ResumeTable | undefined {
    const { aside, maxConnections } = this.#topology;
    return aside ? new ResumeTable(this.links.memory(RESUME), maxConnections, connections) : undefined;
  }

  /** The sockets by which this peer sends files, one to each reactor. */
  fileSockets(): number[] {
    return Array.from({ length: this.#topology.reactors }, (_, reactor) => this.links.socket(FILES, reactor));
  }

  /** Where this reactor gets the files of a peer. */
  fileReceiver(peer: PeerId): FileReceiver {
    const aside = workerOfAside(this.#topology, peer);
    const socket =
      aside === undefined ? this.links.socket(FILES, peer) : this.links.socket(ASIDE_FILES, aside);
    return new FileReceiver(socket);
  }

  /**
   * Listens on the own doorbell in the loop of `poller`; polls for `spin` microseconds before it sleeps. `log` is told, at
   * most once a minute, that some process writes over the doorbell.
   */
  listen(poller: Poller, log: (kind: string, text: string) => void, spin = 0): DoorbellListener {
    return this.links.listen(poller, { spin, onOverwritten: () => log('doorbell', OVERWRITTEN) });
  }

  /** After the channels and the listener. Idempotent. */
  close(): void {
    this.links.close();
  }
}

const OVERWRITTEN =
  'A process of this server has written over the doorbell of this one, in memory that all of them map; what has come meanwhile was found late.';
