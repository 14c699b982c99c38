import { createMemory } from '@millrace/native';
import { createPipe } from '@millrace/pipe-ipc';
import { ringBytes } from '@millrace/shared-memory/ring';
import { SMALL_RING_BYTES } from '../constants.js';
import { createFileLinks, fileSenderName } from './file-link.js';
import type { Topology } from './topology.js';

/**
 * The links of a peer, one to each reactor thread.
 *
 *   'ring'  one memory for all of them; for each reactor thread, in turn, two rings:
 *
 *           ┌──────────┬────────┬──────────┬────────┬─ … ─┐
 *           │ down 0   │ up 0   │ down 1   │ up 1   │     │     down: from the reactor thread, up: to it
 *           └──────────┴────────┴──────────┴────────┴─ … ─┘
 *
 *   'pipe'  a socket pair for each reactor thread: one end is the peer's, one the reactor thread's
 *
 * Files travel beside either, see file-link.ts.
 *
 * Both outlive the peer: what it had not read, its replacement reads. Those of the manager, the master, task workers and
 * user processes are rings always: little goes through them, and a doorbell costs less than a socket for each.
 */
export function isPiped({ ipc, workers, base }: Topology, peer: number): boolean {
  return ipc === 'pipe' && peer < workers && base === undefined;
}

/** What is logged of a link whose messages make no sense; names the process and the ring, or the pipe. */
export function corruptLink(topology: Topology, peer: number, reactor: number, why: string): string {
  const link = isPiped(topology, peer)
    ? `pipe '${peerPipeName(peer, reactor)}'`
    : `ring 'up ${reactor}' of '${linkName(peer)}'`;
  return `the ${link}, of ${processName(topology, peer)}, holds what makes no sense: ${why} The process is killed and replaced.`;
}

/** The same, of what a reactor sends to the manager or the master, who go on. */
export function linkOfReactorCorrupt(reactor: number, error: Error): string {
  return `what worker ${reactor} has sent to this process makes no sense: ${error.message} The worker is killed and replaced.`;
}

function processName(topology: Topology, peer: number): string {
  const { workers, taskWorkers, userProcesses } = topology;
  if (peer < workers) return `worker ${peer}`;
  if (peer < workers + taskWorkers) return `task worker ${peer - workers}`;
  return peer < workers + taskWorkers + userProcesses
    ? `user process ${peer - workers - taskWorkers}`
    : 'the manager or the master';
}

export const linkName = (peer: number) => `link.${peer}`;
export const peerPipeName = (peer: number, reactor: number) => `link.${peer}.${reactor}.peer`;
export const reactorPipeName = (peer: number, reactor: number) => `link.${peer}.${reactor}.reactor`;

/** The names by which a peer has its links. */
export function linkNames(topology: Topology, peer: number): string[] {
  const reactors = Array.from({ length: topology.reactors }, (_, reactor) => reactor);
  const files = reactors.map((reactor) => fileSenderName(peer, reactor));
  if (!isPiped(topology, peer)) return [linkName(peer), ...files];
  return [...reactors.map((reactor) => peerPipeName(peer, reactor)), ...files];
}

/** Makes the links of a peer, and adds their descriptors to `made`. */
export function createLink(topology: Topology, peer: number, made: Record<string, number>): void {
  createFileLinks(topology.reactors, peer, made);
  if (!isPiped(topology, peer)) {
    made[linkName(peer)] = createMemory(`millrace-link-${peer}`, linkBytes(topology, peer));
    return;
  }
  for (let reactor = 0; reactor < topology.reactors; reactor++) {
    const { left, right } = createPipe();
    made[peerPipeName(peer, reactor)] = left;
    made[reactorPipeName(peer, reactor)] = right;
  }
}

/** Bytes of one ring of a peer. */
export function ringSizeOf(topology: Topology, peer: number): number {
  // In base mode what clients send, and nearly all that is sent to them, goes through no ring.
  const large = peer < topology.workers && topology.base === undefined;
  return large ? topology.ringSize : Math.min(SMALL_RING_BYTES, topology.ringSize);
}

/** Bytes of all rings of a peer. */
export function linkBytes(topology: Topology, peer: number): number {
  return topology.reactors * 2 * ringBytes(ringSizeOf(topology, peer));
}
