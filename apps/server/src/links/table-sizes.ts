import { ConnectionTable } from '../shared/connection-table.js';
import { Counters } from '../shared/counters.js';
import type { CountersShape } from '../shared/counters-layout.js';
import { peersOf, type Topology } from './topology.js';

/** How many parts the table of connections has. */
export const connectionParts = ({ base, workers }: Topology) => (base ? workers : 1);

export function connectionBytes(topology: Topology): number {
  return ConnectionTable.bytes(topology.maxConnections, connectionParts(topology));
}

/** What the counters are of. */
export function countersShape(topology: Topology): CountersShape {
  const { reactors, listeners, workers } = topology;
  return { reactors, listeners, workers, processes: peersOf(topology) };
}

export function counterBytes(topology: Topology): number {
  return Counters.bytes(countersShape(topology));
}
