import type { ToManager } from '../contract/control-messages.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { ServerSize } from '../shared/server-size.js';

/** Managers that may end over one request: after so many it may be the request that ends them. */
const MOST_MANAGERS = 3;

interface Request {
  readonly options: ScaleOptions;
  readonly resolve: (result: ScaleResult) => void;
  /** Managers that have been asked. */
  managers: number;
}

/**
 * Requests for another number of processes, which the manager carries out. What it is asked for is a number and no step towards it, so where it
 * ends over one the next manager is asked for the same.
 */
export class ScaleRequests {
  readonly #tell: (message: ToManager) => boolean;
  readonly #size: () => ServerSize;
  readonly #all = new Map<number, Request>();
  #next = 0;

  /** `tell`: whether there is a manager that takes it; the next one is asked by `managerSpawned`. */
  constructor(tell: (message: ToManager) => boolean, size: () => ServerSize) {
    this.#tell = tell;
    this.#size = size;
  }

  ask(options: ScaleOptions): Promise<ScaleResult> {
    const number = this.#next++;
    return new Promise((resolve) => {
      const request: Request = { options, resolve, managers: 0 };
      this.#all.set(number, request);
      this.#ask(number, request);
    });
  }

  answered(number: number, result: ScaleResult): void {
    const request = this.#all.get(number);
    this.#all.delete(number);
    request?.resolve(result);
  }

  /** There is a manager. */
  managerSpawned(): void {
    for (const [number, request] of [...this.#all]) {
      if (request.managers < MOST_MANAGERS) this.#ask(number, request);
      else
        this.answered(number, {
          outcome: 'failed',
          ...this.#now,
          advice: `${MOST_MANAGERS} managers have ended over it: the log says of what. See that the server is as it was, and try again.`,
        });
    }
  }

  /** The server ends. */
  close(): void {
    for (const number of [...this.#all.keys()]) this.answered(number, { outcome: 'stopped', ...this.#now });
  }

  get #now() {
    const { workers, taskWorkers } = this.#size();
    return { workers, taskWorkers };
  }

  #ask(number: number, request: Request): void {
    if (this.#tell({ type: 'scale', request: number, options: request.options })) request.managers++;
  }
}
