import type { FromManager, ToManager } from '../contract/control-messages.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { Topology } from '../links/topology.js';
import type { Counters } from '../shared/counters.js';
import { publishSize, type ServerSize, startSize } from '../shared/server-size.js';
import type { Reactors } from './reactors.js';
import { ScaleRequests } from './scale-requests.js';

export interface ServerSizingParts {
  readonly topology: Topology;
  /** Undefined before there are any, and after the end. */
  readonly reactors: () => Reactors | undefined;
  readonly counters: () => Counters | undefined;
  readonly tellManager: (message: ToManager) => boolean;
}

/**
 * How many processes the server has, in the master, which is there as long as the server: it tells all processes by shared memory, the
 * reactor threads, and each manager that is started.
 */
export class ServerSizing {
  readonly #parts: ServerSizingParts;
  readonly #requests: ScaleRequests;
  #size: ServerSize;

  constructor(parts: ServerSizingParts) {
    this.#parts = parts;
    this.#size = startSize(parts.topology);
    this.#requests = new ScaleRequests(parts.tellManager, () => this.#size);
  }

  get size(): ServerSize {
    return this.#size;
  }

  scale(options: ScaleOptions): Promise<ScaleResult> {
    return this.#requests.ask(options);
  }

  answered(request: number, result: ScaleResult): void {
    this.#requests.answered(request, result);
  }

  managerSpawned(): void {
    this.#requests.managerSpawned();
  }

  /** The server ends: what waits is told so. */
  close(): void {
    this.#requests.close();
  }

  publish(): void {
    const counters = this.#parts.counters();
    if (counters !== undefined) publishSize(counters, this.#size);
  }

  /** The manager has started or ended processes, or is about to end some. */
  async resize({ workers, places, taskWorkers }: Extract<FromManager, { type: 'resize' }>): Promise<void> {
    const { topology, reactors, tellManager } = this.#parts;
    const isOf = (size: number, most: number) => size >= Math.min(1, most) && size <= most;
    // What comes by a pipe is checked like everything else: what is not there is not told of.
    if (!isOf(workers, topology.workers) || !isOf(places, topology.workers) || places < workers) return;
    if (!isOf(taskWorkers, topology.taskWorkers)) return;
    const before = this.#size.workers;
    this.#size = { workers, places, taskWorkers };
    this.publish();
    if (workers !== before) await reactors()?.resize(workers);
    tellManager({ type: 'resized' });
  }
}
