import type { LogLimit } from './log.js';

/** What is logged by whoever accepts clients: the master, or in base mode a worker. */
export class AcceptLog {
  readonly #limit: LogLimit;
  readonly #maxConnections: number;

  constructor(limit: LogLimit, maxConnections: number) {
    this.#limit = limit;
    this.#maxConnections = maxConnections;
  }

  turnedAway(): void {
    this.#limit.warn(
      'max-connections',
      `Turned a client away: there are maxConnections (${this.#maxConnections})`,
    );
  }

  /** Descriptors or memory have run out. */
  exhausted(error: Error, connections: number): void {
    const advice =
      'accepting pauses for a second; raise the limit of open files (ulimit -n) or lower the load';
    this.#limit.warn('exhausted', `${error.message}: ${advice}`, { connections });
  }
}
