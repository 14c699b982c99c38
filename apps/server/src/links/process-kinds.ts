import type { RoleName } from '../contract/ids.js';
import {
  datagramName,
  peerBellName,
  peerDescriptors,
  reactorDescriptors,
  socketNames,
} from './descriptor-names.js';
import { askerDescriptors, runnerDescriptors } from './task-links.js';
import { askersOf, peerOfAsker } from './task-topology.js';
import type { Topology } from './topology.js';

/** What a process below the manager is called, and which descriptors it gets; `id` counts those of its role. */
export function processKind(
  role: RoleName,
  topology: Topology,
  id: number,
): { readonly kind: string; readonly names: string[] } {
  const peer = flatId(role, topology, id);
  const names = [...peerDescriptors(topology, peer), ...topology.datagrams.map(datagramName)];
  switch (role) {
    case 'worker':
      return {
        kind: 'worker',
        names: [...names, ...askerDescriptors(topology, peer), ...baseNames(topology, id)],
      };
    case 'taskWorker':
      // It rings those that have asked it.
      return {
        kind: 'task worker',
        names: [...names, ...askerBells(topology), ...runnerDescriptors(topology, id)],
      };
    default:
      return { kind: 'user process', names: [...names, ...askerDescriptors(topology, peer)] };
  }
}

function baseNames(topology: Topology, id: number): string[] {
  return topology.base ? [...reactorDescriptors(topology, id), ...socketNames(topology.base, id)] : [];
}

/** The names of the bells of all that ask task workers. */
export function askerBells(topology: Topology): string[] {
  return Array.from({ length: askersOf(topology) }, (_, asker) => peerBellName(peerOfAsker(topology, asker)));
}

/** The id among all processes below the manager: workers, then task workers, then user processes. */
export function flatId(role: RoleName, { workers, taskWorkers }: Topology, id: number): number {
  if (role === 'worker') return id;
  return role === 'taskWorker' ? workers + id : workers + taskWorkers + id;
}

/** The role of a process by its flat id; undefined where there is none. */
export function roleOfFlatId(
  { workers, taskWorkers, userProcesses }: Topology,
  id: number,
): RoleName | undefined {
  if (!Number.isInteger(id) || id < 0 || id >= workers + taskWorkers + userProcesses) return undefined;
  if (id < workers) return 'worker';
  return id < workers + taskWorkers ? 'taskWorker' : 'userProcess';
}
