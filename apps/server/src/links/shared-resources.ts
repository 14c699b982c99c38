import { type ChannelOptions, type Poller, TransportChannel } from '@millrace/channel';
import { check, createMemory, MappedMemory, syscalls } from '@millrace/native';
import { createPipe, PipeTransport } from '@millrace/pipe-ipc';
import {
  assertRing,
  DOORBELL_BYTES,
  Doorbell,
  DoorbellListener,
  RingTransport,
  resetRing,
  ringAt,
} from '@millrace/shared-memory/internal';
import { type RingMemory, ringBytes } from '@millrace/shared-memory/ring';
import { ConnectionTable } from '../shared/connection-table.js';
import { Counters } from '../shared/counters.js';
import type { CountersShape } from '../shared/counters-layout.js';
import { KEYS_BYTES } from '../shared/keys-layout.js';
import { TlsTable } from '../shared/tls-table.js';
import {
  CONNECTIONS,
  COUNTERS,
  type Descriptors,
  HUB,
  inboxReaderName,
  inboxWriterName,
  KEYS,
  peerBellName,
  reactorBellName,
  TLS,
} from './descriptor-names.js';
import { FileReceiver, fileReceiverName, fileSenderName } from './file-link.js';
import {
  createLink,
  isPiped,
  linkBytes,
  linkName,
  peerPipeName,
  reactorPipeName,
  ringSizeOf,
} from './link-descriptors.js';
import { type Packet, packetCodec } from './packet.js';
import { createTaskLinks } from './task-links.js';
import { peersOf, type Topology } from './topology.js';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

function hubBytes(topology: Topology): number {
  return (topology.reactors + peersOf(topology)) * DOORBELL_BYTES;
}

/** How many parts the table of connections has. */
const partsOf = ({ base, workers }: Topology) => (base ? workers : 1);

function countersShape(topology: Topology): CountersShape {
  return { reactors: topology.reactors, workers: topology.workers, processes: peersOf(topology) };
}

/** Maps what the server counts, beside what a {@link OpenedResources} maps. */
export function openCounters(topology: Topology, fd: number): Counters {
  const counters = countersShape(topology);
  return new Counters(new MappedMemory(fd, Counters.bytes(counters)).buffer, counters);
}

function connectionBytes(topology: Topology): number {
  return ConnectionTable.bytes(topology.maxConnections, partsOf(topology));
}

/** Makes all of it. Throws `SystemCallError` when memory or descriptors do not suffice; then nothing is left open. */
export function createSharedResources(topology: Topology): Descriptors {
  const made: Record<string, number> = {};
  try {
    made[HUB] = createMemory('millrace-hub', hubBytes(topology));
    made[CONNECTIONS] = createMemory('millrace-connections', connectionBytes(topology));
    made[COUNTERS] = createMemory('millrace-counters', Counters.bytes(countersShape(topology)));
    if (topology.tls) made[TLS] = createMemory('millrace-tls', TlsTable.bytes(topology.maxConnections));
    if (topology.tls && topology.base) made[KEYS] = createMemory('millrace-keys', KEYS_BYTES);
    for (const peer of range(peersOf(topology))) {
      createLink(topology, peer, made);
      made[peerBellName(peer)] = check(syscalls.eventfd(), 'eventfd');
      const inbox = createPipe();
      made[inboxReaderName(peer)] = inbox.left;
      made[inboxWriterName(peer)] = inbox.right;
    }
    for (const reactor of range(topology.reactors))
      made[reactorBellName(reactor)] = check(syscalls.eventfd(), 'eventfd');
    createTaskLinks(topology, made);
    return made;
  } catch (error) {
    closeSharedResources(made);
    throw error;
  }
}

export function closeSharedResources(descriptors: Descriptors): void {
  for (const fd of Object.values(descriptors)) syscalls.close(fd);
}

/** One side of the rings, mapped in this thread: either a peer's or a reactor's. */
export class OpenedResources {
  readonly #topology: Topology;
  readonly #descriptors: Descriptors;
  readonly #hub: MappedMemory;
  readonly #links = new Map<number, MappedMemory>();
  #connections: MappedMemory | undefined;
  #counters: MappedMemory | undefined;
  #tls: MappedMemory | undefined;

  constructor(topology: Topology, descriptors: Descriptors) {
    this.#topology = topology;
    this.#descriptors = descriptors;
    this.#hub = new MappedMemory(this.#fd(HUB), hubBytes(topology));
  }

  reactorBell(reactor: number): Doorbell {
    return new Doorbell(this.#fd(reactorBellName(reactor)), this.#hub.buffer, reactor * DOORBELL_BYTES);
  }

  peerBell(peer: number): Doorbell {
    const offset = (this.#topology.reactors + peer) * DOORBELL_BYTES;
    return new Doorbell(this.#fd(peerBellName(peer)), this.#hub.buffer, offset);
  }

  connections(): ConnectionTable {
    this.#connections ??= new MappedMemory(this.#fd(CONNECTIONS), connectionBytes(this.#topology));
    return new ConnectionTable(
      this.#connections.buffer,
      this.#topology.maxConnections,
      partsOf(this.#topology),
    );
  }

  counters(): Counters {
    const topology = countersShape(this.#topology);
    this.#counters ??= new MappedMemory(this.#fd(COUNTERS), Counters.bytes(topology));
    return new Counters(this.#counters.buffer, topology);
  }

  /** Undefined where no listener has TLS. */
  tls(): TlsTable | undefined {
    const { tls, maxConnections } = this.#topology;
    if (!tls) return undefined;
    this.#tls ??= new MappedMemory(this.#fd(TLS), TlsTable.bytes(maxConnections));
    return new TlsTable(this.#tls.buffer, maxConnections, this.#topology.reactors);
  }

  /** The sockets by which a peer sends files, one to each reactor thread. */
  fileSockets(peer: number): number[] {
    return range(this.#topology.reactors).map((reactor) => this.#fd(fileSenderName(peer, reactor)));
  }

  /** Where a reactor thread gets the files of a peer. */
  fileReceiver(peer: number, reactor: number): FileReceiver {
    return new FileReceiver(this.#fd(fileReceiverName(peer, reactor)));
  }

  /**
   * Listens on the doorbell of a peer or a reactor in the loop of `poller`; looks for `spin` microseconds before it sleeps.
   * `log` is told, at most once a minute, that some process writes over the doorbell.
   */
  listen(
    bell: Doorbell,
    poller: Poller,
    log: (kind: string, text: string) => void,
    spin = 0,
  ): DoorbellListener {
    return new DoorbellListener(bell, poller, { spin, onOverwritten: () => log('doorbell', OVERWRITTEN) });
  }

  /** Opens the channel between `peer` and `reactor`, as the one or the other. */
  link(
    as: 'peer' | 'reactor',
    peer: number,
    reactor: number,
    loop: LinkLoop,
    options: ChannelOptions,
  ): TransportChannel<Packet> {
    return this.linkEnd(as, peer, reactor, loop, options).channel;
  }

  /** As `link`, for whoever empties what lies between after the process at the other end has written over it. */
  linkEnd(
    as: 'peer' | 'reactor',
    peer: number,
    reactor: number,
    loop: LinkLoop,
    options: ChannelOptions,
  ): LinkEnd {
    if (isPiped(this.#topology, peer)) {
      const transport = this.#pipe(as, peer, reactor, loop);
      return {
        channel: new TransportChannel(transport, packetCodec(), options),
        transport,
        unopened: undefined,
      };
    }
    const [down, up] = this.#ringsOf(peer, reactor);
    const unopened = notRings(down, up);
    const transport = this.#ringTransport(as === 'peer' ? [down, up] : [up, down], as, peer, reactor, loop);
    return { channel: new TransportChannel(transport, packetCodec(), options), transport, unopened };
  }

  #pipe(
    as: 'peer' | 'reactor',
    peer: number,
    reactor: number,
    { poller, onCorrupt }: LinkLoop,
  ): PipeTransport {
    const isPeer = as === 'peer';
    return new PipeTransport(this.#fd((isPeer ? peerPipeName : reactorPipeName)(peer, reactor)), {
      poller,
      maxMessageSize: this.#topology.maxMessageSize,
      // A worker may be killed at any message, and then costs that one: neither what it has taken together with it nor
      // answers that wait for others to go with them are lost. So each message is a datagram, down and up.
      gather: false,
      closeDescriptor: isPeer,
      ...(onCorrupt && { onCorrupt }),
    });
  }

  #ringTransport(
    [incoming, outgoing]: readonly [RingMemory, RingMemory],
    as: 'peer' | 'reactor',
    peer: number,
    reactor: number,
    { listener, onCorrupt }: LinkLoop,
  ): RingTransport {
    return new RingTransport({
      incoming,
      outgoing,
      listener,
      peer: as === 'peer' ? this.reactorBell(reactor) : this.peerBell(peer),
      maxMessageSize: this.#topology.maxMessageSize,
      ...(onCorrupt && { onCorrupt }),
    });
  }

  /** Empties the rings between a peer and a reactor which neither has open. */
  resetRings(peer: number, reactor: number): void {
    for (const ring of this.#ringsOf(peer, reactor)) resetRing(ring);
  }

  /** 'down' and 'up', whatever they hold. */
  #ringsOf(peer: number, reactor: number): [RingMemory, RingMemory] {
    const capacity = ringSizeOf(this.#topology, peer);
    const memory = this.#memory(peer);
    const at = (index: number) => ringAt(memory.buffer, index * ringBytes(capacity), capacity);
    return [at(reactor * 2), at(reactor * 2 + 1)];
  }

  close(): void {
    for (const memory of [this.#hub, this.#connections, this.#counters, this.#tls, ...this.#links.values()])
      memory?.close();
  }

  #memory(peer: number): MappedMemory {
    let memory = this.#links.get(peer);
    if (memory === undefined) {
      memory = new MappedMemory(this.#fd(linkName(peer)), linkBytes(this.#topology, peer));
      this.#links.set(peer, memory);
    }
    return memory;
  }

  #fd(name: string): number {
    const fd = this.#descriptors[name];
    if (fd === undefined) throw new RangeError(`The topology has no descriptor '${name}'.`);
    return fd;
  }
}

const OVERWRITTEN =
  'A process of this server has written over the doorbell of this one, in memory that all of them map; what has come meanwhile was found late.';

/** Where a side of links waits for them. */
export interface LinkLoop {
  /** Its doorbell, for rings. */
  readonly listener: DoorbellListener;
  /** Its loop, for pipes. */
  readonly poller: Poller;
  /** What lies between makes no sense: nothing is read from it, or written to it, until it is reset. */
  readonly onCorrupt?: (error: Error) => void;
}

/** One end of a link. */
export interface LinkEnd {
  readonly channel: TransportChannel<Packet>;
  readonly transport: RingTransport | PipeTransport;
  /**
   * Some process has written over the head of a ring: whoever has opened this end says so with `distrust` once it can hear of
   * that, and nothing is read or written until `reset`.
   */
  readonly unopened: Error | undefined;
}

/** Why two rings cannot be used; where memory is still zero it makes them. */
function notRings(...rings: readonly RingMemory[]): Error | undefined {
  try {
    for (const ring of rings) assertRing(ring);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
