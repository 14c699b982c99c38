import { asPeer, asWorker, type PeerId, type RoleName } from '../contract/ids.js';
import { allSocketNames, datagramName, sharedTableName } from './descriptor-names.js';
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
    add(allSocketNames(topology.base, topology.startWorkers));
  }
  const kind = role === 'worker' ? 'worker' : role === 'taskWorker' ? 'task worker' : 'user process';
  return { kind, names: [...names] };
}

/** The peer among all places below the manager: those of workers, then of task workers, then user processes. */
export function flatId(role: RoleName, { workers, taskWorkers }: Topology, id: number): PeerId {
  if (role === 'worker') return asWorker(id);
  return asPeer(role === 'taskWorker' ? workers + id : workers + taskWorkers + id);
}

/** The role of a process below the manager. */
export function roleOfPeer({ workers, taskWorkers }: Topology, peer: PeerId): RoleName {
  if (peer < workers) return 'worker';
  return peer < workers + taskWorkers ? 'taskWorker' : 'userProcess';
}
