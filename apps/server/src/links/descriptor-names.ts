import { fileReceiverName } from './file-link.js';
import { linkName, linkNames } from './link-descriptors.js';
import { peersOf, type Topology } from './topology.js';

/** Descriptors by name; the names are the same in every process, the numbers are each process's own. */
export type Descriptors = Readonly<Record<string, number>>;

export const HUB = 'hub';
export const CONNECTIONS = 'connections';
export const COUNTERS = 'counters';
export const TLS = 'tls';
/** Keys and certificates, in base mode. */
export const KEYS = 'keys';
/** What every process reads without asking anyone. */
export const tableNames = ({ tls }: Topology) => [CONNECTIONS, COUNTERS, ...(tls ? [TLS] : [])];
/** The socket of a listener for datagrams. */
export const datagramName = (port: number) => `datagram.${port}`;
export const peerBellName = (peer: number) => `peer.${peer}`;
export const reactorBellName = (reactor: number) => `reactor.${reactor}`;
/** A table of the user's. */
export const sharedTableName = (name: string) => `table.${name}`;
/** The end of a peer's inbox that it reads. */
export const inboxReaderName = (peer: number) => `inbox.${peer}`;
/** The end that all others write to. */
export const inboxWriterName = (peer: number) => `post.${peer}`;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The names that every process needs to talk to reactor threads and to other processes; by its flat id. */
export function peerDescriptors(topology: Topology, peer: number): string[] {
  return [
    HUB,
    ...tableNames(topology),
    ...linkNames(topology, peer),
    peerBellName(peer),
    ...range(topology.reactors).map(reactorBellName),
    inboxReaderName(peer),
    ...range(peersOf(topology)).map(inboxWriterName),
    ...topology.tables.map(sharedTableName),
  ];
}

/** The names that a worker needs to be a reactor, in base mode; without the sockets that it accepts from. */
export function reactorDescriptors(topology: Topology, reactor: number): string[] {
  const peers = range(peersOf(topology));
  return [
    ...peers.map(linkName),
    ...peers.map((peer) => fileReceiverName(peer, reactor)),
    ...peers.map(peerBellName),
    ...range(topology.reactors).map(reactorBellName),
    ...(topology.tls ? [KEYS] : []),
  ];
}

/** The listening socket of a port that workers accept from, in base mode; `worker`: where each has one of its own. */
export const socketName = (port: number, worker: number | undefined) =>
  worker === undefined ? `socket.${port}` : `socket.${port}.${worker}`;

/** The names of a worker's sockets in base mode, one for each listener. `own`: of each, whether every worker has one of its own. */
export function socketNames(own: readonly boolean[], worker: number): string[] {
  return own.map((each, port) => socketName(port, each ? worker : undefined));
}
