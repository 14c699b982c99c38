import { asPeer, asWorker, type PeerId, type RoleName, type Unchecked } from '../contract/ids.js';
import { datagramName, sharedTableName, socketNames } from './descriptor-names.js';
import { ASIDE, linksOf, PEER, REACTOR, TASK_WORKER } from './server-plan.js';
import type { Topology } from './topology.js';

/** What a process below the manager is called, and which descriptors it gets; `id` counts those of its role. */
export function processKind(
  role: RoleName,
  topology: Topology,
  id: number,
): { readonly kind: string; readonly names: readonly string[] } {
  const links = linksOf(topology);
  const names = new Set([
    ...links.descriptorsOf(PEER, flatId(role, topology, id)),
    ...topology.tables.map(sharedTableName),
    ...topology.datagrams.map(datagramName),
  ]);
  const add = (more: readonly string[]) => {
    for (const name of more) names.add(name);
  };
  if (role === 'taskWorker') add(links.descriptorsOf(TASK_WORKER, id));
  if (role === 'worker' && topology.aside) add(links.descriptorsOf(ASIDE, id));
  if (role === 'worker' && topology.base !== undefined) {
    add(links.descriptorsOf(REACTOR, id));
    add(socketNames(topology.base, asWorker(id)));
  }
  const kind = role === 'worker' ? 'worker' : role === 'taskWorker' ? 'task worker' : 'user process';
  return { kind, names: [...names] };
}

/** The id among all processes below the manager: workers, then task workers, then user processes. */
export function flatId(role: RoleName, { workers, taskWorkers }: Topology, id: number): PeerId {
  if (role === 'worker') return asWorker(id);
  return asPeer(role === 'taskWorker' ? workers + id : workers + taskWorkers + id);
}

/** The role of a process by its flat id; undefined where there is none. */
export function roleOfFlatId(
  { workers, taskWorkers, userProcesses }: Topology,
  id: Unchecked<PeerId>,
): RoleName | undefined {
  if (!Number.isInteger(id) || id < 0 || id >= workers + taskWorkers + userProcesses) return undefined;
  if (id < workers) return 'worker';
  return id < workers + taskWorkers ? 'taskWorker' : 'userProcess';
}
