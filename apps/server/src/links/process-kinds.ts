import { asPeer, asWorker, type PeerId, type ProcessRole } from '../contract/ids.js';
import { allSocketNames, datagramName, sharedTableName } from './descriptor-names.js';
import { ASIDE, linksOf, PEER, REACTOR, TASK_WORKER } from './server-plan.js';
import type { Topology } from './topology.js';

/** What a process below the manager is called, and which descriptors it gets; `id` counts those of its role. */
export function processKind(
  role: ProcessRole,
  topology: Topology,
  id: number,
): { readonly name: string; readonly names: readonly string[] } {
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
  return {
    name: role === 'service' ? (topology.services[id] as string) : `${kind} ${id}`,
    names: [...names],
  };
}

/** The peer among all places below the manager: those of workers, then of task workers, then user processes. */
export function flatId(role: ProcessRole, topology: Topology, id: number): PeerId {
  const { workers, taskWorkers, userProcesses, services } = topology;
  if (role === 'worker') return asWorker(id);
  if (role === 'service') return asPeer(workers + taskWorkers + userProcesses - services.length + id);
  return asPeer(role === 'taskWorker' ? workers + id : workers + taskWorkers + id);
}

/** The role of a process below the manager. */
export function roleOfPeer(topology: Topology, peer: PeerId): ProcessRole {
  const { workers, taskWorkers, userProcesses, services } = topology;
  if (peer < workers) return 'worker';
  if (peer < workers + taskWorkers) return 'taskWorker';
  return peer < workers + taskWorkers + userProcesses - services.length ? 'userProcess' : 'service';
}
