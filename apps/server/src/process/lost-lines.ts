import { COUNTERS } from '../links/descriptor-names.js';
import { openCounters } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import type { Counters } from '../shared/counters.js';

/** Counts the log lines that this process loses, in the counters that all processes share. */
export class LostLines {
  readonly #topology: Topology;
  readonly #descriptor: (name: string) => number | undefined;
  #counters: Counters | undefined;

  constructor(topology: Topology, descriptor: (name: string) => number | undefined) {
    this.#topology = topology;
    this.#descriptor = descriptor;
  }

  /** Returns how many have been lost before. */
  add(lines: number): number {
    const fd = this.#descriptor(COUNTERS);
    if (fd !== undefined) this.#counters ??= openCounters(this.#topology, fd);
    return this.#counters?.loseLogLines(lines) ?? 0;
  }
}
