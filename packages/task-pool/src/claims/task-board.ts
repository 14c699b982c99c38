import { SLOTS_PER_QUEUE } from './claim-layout.js';
import { ClaimTable, claimBytes } from './claim-table.js';

/**
 * The memory that several clients share with their task workers: the claims of each client, and the load of each worker, because
 * a client knows its own tasks only. Nothing outside of this file knows an offset.
 *
 *   byte  0        64       …        64 × W
 *         ┌────────┬────────┬─── … ──┬──────────────┬──────────────┬─── …
 *         │ LOAD 0 │ LOAD 1 │        │ claims of    │ claims of    │
 *         │        │        │        │ client 0     │ client 1     │
 *         └────────┴────────┴─── … ──┴──────────────┴──────────────┴─── …
 *
 * A client has claims for each worker, and for tasks that any free worker may take.
 *
 * LOAD is 0 before the worker accepts tasks, and then 1 more than the number of tasks it runs for all clients; only the worker
 * writes it. It is a hint: a task sent to a worker that has received another one meanwhile is taken back (steal-timer.ts). A dead
 * worker's LOAD stays until its successor begins. A word that is out of range was overwritten: the worker counts as idle.
 */
const LINE = 64;
const WORDS_PER_LINE = LINE / Int32Array.BYTES_PER_ELEMENT;

export class TaskBoard {
  readonly #memory: ArrayBufferLike;
  readonly #workers: number;
  readonly #loads: Int32Array;

  /** The memory is zeroed, or is a board for as many workers. */
  constructor(memory: ArrayBufferLike, workers: number) {
    this.#memory = memory;
    this.#workers = workers;
    this.#loads = new Int32Array(memory, 0, workers * WORDS_PER_LINE);
  }

  static bytes(askers: number, workers: number): number {
    return workers * LINE + askers * claimBytes(workers + 1);
  }

  claims(asker: number): ClaimTable {
    return new ClaimTable(this.#memory, this.#workers * LINE + asker * claimBytes(this.#workers + 1));
  }

  /** Whether the worker, or a predecessor, has accepted tasks. */
  isUp(worker: number): boolean {
    return Atomics.load(this.#loads, worker * WORDS_PER_LINE) !== 0;
  }

  /** How many tasks a worker runs. */
  load(worker: number): number {
    const tasks = Atomics.load(this.#loads, worker * WORDS_PER_LINE) - 1;
    return tasks > 0 && tasks <= SLOTS_PER_QUEUE ? tasks : 0;
  }

  /** Worker: publishes how many tasks it runs. */
  setLoad(worker: number, tasks: number): void {
    // Pairs with the load in `load`: a client that reads 0 tasks may send one that begins at once.
    Atomics.store(this.#loads, worker * WORDS_PER_LINE, tasks + 1);
  }
}
