import { asPeer, type PeerId, type ReactorIndex, reactorOfWorker } from '../contract/ids.js';
import { isWorker } from '../links/task-topology.js';
import { processesOf, type Topology } from '../links/topology.js';
import type { CounterBlock } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';

/**
 * The counters of places that no process has: the manager is their one writer, from when a place becomes vacant until a process
 * gets it. Sums of all places take them in, and in base mode `maxConnections` goes by their open connections.
 */
export class VacantCounters {
  readonly #counters: Counters;
  readonly #topology: Topology;
  readonly #kept = new Map<PeerId, readonly CounterBlock[]>();

  /** All places are vacant: none of this manager's processes has started. */
  constructor(counters: Counters, topology: Topology) {
    this.#counters = counters;
    this.#topology = topology;
    for (let peer = 0; peer < processesOf(topology); peer++) this.begin(asPeer(peer));
  }

  /** No process has that place: what is there stays, until one has it. */
  begin(peer: PeerId): void {
    const blocks = [this.#counters.keepProcess(peer)];
    const reactor = this.#reactorOf(peer);
    if (reactor !== undefined) blocks.push(this.#counters.keepReactor(reactor));
    this.#kept.set(peer, blocks);
  }

  /** A process is about to have that place: it goes on from what is right. */
  end(peer: PeerId): void {
    this.#restore(peer);
    this.#kept.delete(peer);
  }

  /** Stores anew what processes have written over; returns how many counters those were. */
  restore(): number {
    let restored = 0;
    for (const peer of this.#kept.keys()) restored += this.#restore(peer);
    return restored;
  }

  #restore(peer: PeerId): number {
    let restored = 0;
    for (const block of this.#kept.get(peer) ?? []) restored += block.restore();
    const reactor = this.#reactorOf(peer);
    if (reactor !== undefined && this.#counters.restoreOpen(reactor)) restored++;
    return restored;
  }

  /** In base mode, where a worker is one. */
  #reactorOf(peer: PeerId): ReactorIndex | undefined {
    const isReactor = this.#topology.base !== undefined && isWorker(this.#topology, peer);
    return isReactor ? reactorOfWorker(peer) : undefined;
  }
}
