import { SLOTS_PER_LANE } from './claim-layout.js';
import { ClaimTable, claimBytes } from './claim-table.js';

/**
 * What several askers share with their task workers: the claims of each asker, and how much each worker has in hand, for
 * an asker knows its own tasks only. Nothing outside of this file knows an offset.
 *
 *   byte  0        64       …        64 × W
 *         ┌────────┬────────┬─── … ──┬──────────────┬──────────────┬─── …
 *         │ LOAD 0 │ LOAD 1 │        │ claims of    │ claims of    │
 *         │        │        │        │ asker 0      │ asker 1      │
 *         └────────┴────────┴─── … ──┴──────────────┴──────────────┴─── …
 *
 * An asker has claims for each worker, and for what is sent to whichever is free.
 *
 * LOAD is 0 before the worker takes tasks, and then 1 more than how many it runs, whoever asked for them; it alone
 * writes it. It is a hint: a task that was sent to a worker which has got another one in the meantime is taken back
 * (patience.ts). A dead worker's LOAD stays until its successor begins. A word that is out of range was written by another
 * process: the worker is there, and is taken to run nothing.
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

  /** Whether there has been a worker that takes tasks. */
  isUp(worker: number): boolean {
    return Atomics.load(this.#loads, worker * WORDS_PER_LINE) !== 0;
  }

  /** How many tasks a worker runs. */
  load(worker: number): number {
    const tasks = Atomics.load(this.#loads, worker * WORDS_PER_LINE) - 1;
    return tasks > 0 && tasks <= SLOTS_PER_LANE ? tasks : 0;
  }

  /** Worker: says how many it runs. */
  setLoad(worker: number, tasks: number): void {
    // Pairs with the load in `load`: whoever sees none may send a task that is begun at once.
    Atomics.store(this.#loads, worker * WORDS_PER_LINE, tasks + 1);
  }
}
