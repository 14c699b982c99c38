import type { PeerId, ReactorIndex } from '../contract/ids.js';
import { ASIDE_LINK, isPiped, LINK, linksOf, TASKS } from './server-plan.js';
import { peerOfAsker } from './task-topology.js';
import { type Topology, workerOfAside } from './topology.js';

/** What is logged of a link whose messages make no sense; names the process and the ring, or the pipe. */
export function corruptLink(topology: Topology, peer: PeerId, reactor: ReactorIndex, why: string): string {
  const aside = workerOfAside(topology, peer);
  if (aside !== undefined) {
    const name = linksOf(topology).nameOf(ASIDE_LINK, reactor, aside);
    return `the pipe '${name}', of the process that was worker ${aside}, holds what makes no sense: ${why} The process is killed.`;
  }
  const name = linksOf(topology).nameOf(LINK, reactor, peer);
  const link = isPiped(topology, peer) ? `pipe '${name}'` : `ring 'up ${reactor}' of '${name}'`;
  return `the ${link}, of ${processName(topology, peer)}, holds what makes no sense: ${why} The process is killed and replaced.`;
}

/** The same, of what a reactor sends to the manager or the master, who go on. */
export function linkOfReactorCorrupt(reactor: ReactorIndex, error: Error): string {
  return `what worker ${reactor} has sent to this process makes no sense: ${error.message} The worker is killed and replaced.`;
}

function processName(topology: Topology, peer: PeerId): string {
  const { workers, taskWorkers, userProcesses, services } = topology;
  const index = peer - workers - taskWorkers - userProcesses + services.length;
  if (index >= 0 && index < services.length) return `the ${services[index]}`;
  if (peer < workers) return `worker ${peer}`;
  if (peer < workers + taskWorkers) return `task worker ${peer - workers}`;
  return peer < workers + taskWorkers + userProcesses
    ? `user process ${peer - workers - taskWorkers}`
    : 'the manager or the master';
}

/** What is logged of the link between an asker and a task worker whose messages make no sense. */
export function corruptTaskLink(topology: Topology, asker: number, taskWorker: number, why: string): string {
  const peer = peerOfAsker(topology, asker);
  const name = linksOf(topology).nameOf(TASKS, peer, taskWorker);
  const link = isSenderCertain(topology) ? `pipe '${name}'` : `rings of process ${peer} in '${name}'`;
  return `the ${link}, between process ${peer} and task worker ${taskWorker}, holds what makes no sense: ${why}`;
}

/** Whether whatever makes no sense to a task worker must have been sent by that asker: its rings all askers map. */
export function isSenderCertain({ taskTransport }: Topology): boolean {
  return taskTransport === 'pipe';
}
