import { createMemory } from '@millrace/native';
import { createPipe } from '@millrace/pipe-ipc';
import { ringBytes } from '@millrace/shared-memory/ring';
import { SMALL_RING_BYTES } from './constants.js';
import type { FabricShape } from './fabric.js';
import { createFileLinks, fileSenderName } from './file-link.js';

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
export function isPiped({ ipc, workers, base }: FabricShape, peer: number): boolean {
  return ipc === 'pipe' && peer < workers && base === undefined;
}

/** What is logged of a link whose messages make no sense; names the process and the ring, or the pipe. */
export function corruptLink(shape: FabricShape, peer: number, reactor: number, why: string): string {
  const link = isPiped(shape, peer)
    ? `pipe '${peerPipeName(peer, reactor)}'`
    : `ring 'up ${reactor}' of '${linkName(peer)}'`;
  return `the ${link}, of ${processName(shape, peer)}, holds what makes no sense: ${why} The process is killed and replaced.`;
}

/** The same, of what a reactor sends to the manager or the master, who go on. */
export function linkOfReactorCorrupt(reactor: number, error: Error): string {
  return `what worker ${reactor} has sent to this process makes no sense: ${error.message} The worker is killed and replaced.`;
}

function processName(shape: FabricShape, peer: number): string {
  const { workers, taskWorkers, userProcesses } = shape;
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
export function linkNames(shape: FabricShape, peer: number): string[] {
  const reactors = Array.from({ length: shape.reactors }, (_, reactor) => reactor);
  const files = reactors.map((reactor) => fileSenderName(peer, reactor));
  if (!isPiped(shape, peer)) return [linkName(peer), ...files];
  return [...reactors.map((reactor) => peerPipeName(peer, reactor)), ...files];
}

/** Makes the links of a peer, and adds their descriptors to `made`. */
export function createLink(shape: FabricShape, peer: number, made: Record<string, number>): void {
  createFileLinks(shape.reactors, peer, made);
  if (!isPiped(shape, peer)) {
    made[linkName(peer)] = createMemory(`millrace-link-${peer}`, linkBytes(shape, peer));
    return;
  }
  for (let reactor = 0; reactor < shape.reactors; reactor++) {
    const { left, right } = createPipe();
    made[peerPipeName(peer, reactor)] = left;
    made[reactorPipeName(peer, reactor)] = right;
  }
}

/** Bytes of one ring of a peer. */
export function ringSizeOf(shape: FabricShape, peer: number): number {
  // In base mode what clients send, and nearly all that is sent to them, goes through no ring.
  const large = peer < shape.workers && shape.base === undefined;
  return large ? shape.ringSize : Math.min(SMALL_RING_BYTES, shape.ringSize);
}

/** Bytes of all rings of a peer. */
export function linkBytes(shape: FabricShape, peer: number): number {
  return shape.reactors * 2 * ringBytes(ringSizeOf(shape, peer));
}
