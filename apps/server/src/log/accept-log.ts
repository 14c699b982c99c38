import { restoredText } from '../shared/counter-block.js';

/** Where it is written; many lines of one kind are counted there instead. */
export interface WarningLog {
  warn(kind: string, text: string, details?: object): void;
}

/** What is logged by the process that accepts clients: the master, its only reactor thread, or in base mode a worker. */
export class AcceptLog {
  readonly #log: WarningLog;
  readonly #maxConnections: number;

  constructor(log: WarningLog, maxConnections: number) {
    this.#log = log;
    this.#maxConnections = maxConnections;
  }

  turnedAway(): void {
    this.#log.warn(
      'max-connections',
      `Turned a client away: there are maxConnections (${this.#maxConnections})`,
    );
  }

  /** Of the counters by which clients are let in. */
  overwritten(restored: number, reactor: number): void {
    this.#log.warn('counters', restoredText(restored, `reactor ${reactor}`));
  }

  /** Those descriptors that are left are for the server itself. */
  outOfDescriptors(connections: number): void {
    this.#log.warn(
      'descriptors',
      'Turned a client away: what is left of descriptors is kept back for the server itself (reservedDescriptors); ' +
        'raise the limit of open files (ulimit -n) or lower the load',
      { connections },
    );
  }

  /** Descriptors or memory have run out. */
  exhausted(error: Error, connections: number): void {
    const advice =
      'accepting pauses for a second; raise the limit of open files (ulimit -n) or lower the load';
    this.#log.warn('exhausted', `${error.message}: ${advice}`, { connections });
  }
}
