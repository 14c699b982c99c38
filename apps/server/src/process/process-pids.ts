import { asPeer, type PeerId } from '../contract/ids.js';
import type { Counters } from '../shared/counters.js';
import { PID } from '../shared/counters-layout.js';

/**
 * Which process has each name now, in shared memory for all to read: the manager says it of the processes below it, the
 * master of itself and the manager.
 */
export class ProcessPids {
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Undefined while there is none. */
  get(peer: PeerId): number | undefined {
    return this.#counters.ofProcess(peer, PID) || undefined;
  }

  set(peer: PeerId, pid: number): void {
    this.#counters.process(peer)[PID] = pid;
  }

  /** That process has ended; another may have its name by now. */
  ended(peer: PeerId, pid: number | undefined): void {
    if (pid !== undefined && this.get(peer) === pid) this.set(peer, 0);
  }

  /** All processes from `first` up to `end` have ended. */
  allEnded(first: number, end: number): void {
    for (let peer = first; peer < end; peer++) this.set(asPeer(peer), 0);
  }
}
