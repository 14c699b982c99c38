import type { PeerId } from '../contract/ids.js';
import { roleOfPeer } from '../links/process-kinds.js';
import { processesOf, type Topology } from '../links/topology.js';
import type { Counters } from './counters.js';
import { TASK_WORKER_NUM, WORKER_NUM, WORKER_PLACES } from './counters-layout.js';

/** How many processes a server has, of the roles that can be scaled. */
export interface ServerSize {
  /** Workers that get what clients send. */
  readonly workers: number;
  /** Places of workers that have a process: those beyond `workers` finish what they have. */
  readonly places: number;
  readonly taskWorkers: number;
}

/** The size that a server starts with. */
export function startSize({ startWorkers, startTaskWorkers }: Topology): ServerSize {
  return { workers: startWorkers, places: startWorkers, taskWorkers: startTaskWorkers };
}

/** Master: tells all processes how many there are. */
export function publishSize(counters: Counters, { workers, places, taskWorkers }: ServerSize): void {
  counters.setServer(WORKER_NUM, workers);
  counters.setServer(WORKER_PLACES, places);
  counters.setServer(TASK_WORKER_NUM, taskWorkers);
}

export function publishedSize(counters: Counters): ServerSize {
  return {
    workers: counters.server(WORKER_NUM),
    places: counters.server(WORKER_PLACES),
    taskWorkers: counters.server(TASK_WORKER_NUM),
  };
}

/** How many reactors share the memory that clients may have together: in base mode a place for a worker has none until it is scaled up. */
export function reactorsAtWork(
  { base, reactors }: Pick<Topology, 'base' | 'reactors'>,
  counters: Counters,
): number {
  if (base === undefined) return reactors;
  // In memory that workers may write as well.
  return Math.min(reactors, Math.max(1, publishedSize(counters).places));
}

/** Whether a process has the place of that peer, or one is on its way. */
export function hasProcess(topology: Topology, counters: Counters, peer: PeerId): boolean {
  if (peer >= processesOf(topology)) return true;
  switch (roleOfPeer(topology, peer)) {
    case 'worker':
      return peer < publishedSize(counters).places;
    case 'taskWorker':
      return peer - topology.workers < publishedSize(counters).taskWorkers;
    default:
      return true;
  }
}
