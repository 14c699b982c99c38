import { HEAP_LIMIT, LEVEL_FACTOR, RUN_LENGTH } from '../constants.js';
import type { TimerTable } from '../timer-table.js';
import { dropFirst, push } from './deadline-heap.js';
import { DeadlineNodes, findSplit } from './deadline-nodes.js';

const LEVELS = 4;
/** Fewer dead nodes than this in the heap are not worth a rebuild. */
const MIN_DEAD = 32;

/**
 * All deadlines: the earliest in a heap; later ones, when they are many, parked in no order, level behind level; and
 * a short run of those that the pass in progress is firing.
 *
 *     run          heap (level 0)     level 1         level 2         level 3
 *     32           8 Ki nodes         128 Ki          2 Mi            no limit
 *     is due       due < h[0]         h[0] … h[1]     h[1] … h[2]     due >= h[2]
 *
 * Every node of a level is due before every node of the next, so the earliest of all is the heap's. A level that
 * outgrows its limit hands its later half on to the next; a level that runs dry takes the earliest part of the next.
 * Up to 8,192 timers all of it is a plain heap. Beyond, a timer costs a few sequential scans instead of a walk
 * through a heap that no cache holds, and one that is cancelled in time never sees the heap at all.
 */
export class DeadlineQueue {
  /** Timers that are armed. */
  size = 0;
  readonly #table: TimerTable;
  readonly #levels: readonly DeadlineNodes[];
  readonly #heap: DeadlineNodes;
  /** At least so many nodes of the heap are dead. */
  #deadInHeap = 0;
  /** Level l holds what is due before `#horizons[l]`, later levels what is not. The last is Infinity. */
  readonly #horizons = new Float64Array(LEVELS).fill(Number.POSITIVE_INFINITY);
  /** The sizes from which levels hand on. */
  readonly #limits: Float64Array;
  readonly #heapLimit: number;
  readonly #toHeap = (id: number, due: number, sequence: number) => push(this.#heap, id, due, sequence);
  readonly #run: DeadlineNodes;
  #runAt = 0;
  #lastSequence = 0;

  /** `heapLimit`: how many nodes the heap may have before it hands on; tests make it small. */
  constructor(table: TimerTable, heapLimit: number = HEAP_LIMIT) {
    this.#table = table;
    this.#heapLimit = heapLimit;
    this.#limits = Float64Array.from({ length: LEVELS }, (_, level) => this.#limitOf(level));
    this.#levels = Array.from({ length: LEVELS }, () => new DeadlineNodes(table));
    this.#heap = this.#levels[0]!;
    this.#run = new DeadlineNodes(table);
  }

  /** Nodes kept, those of cleared and re-armed timers included: what bounds the memory. */
  get nodes(): number {
    return this.#levels.reduce((sum, { size }) => sum + size, this.#run.size);
  }

  /** The earliest deadline, or Infinity when there is none. */
  get earliest(): number {
    for (; this.#runAt < this.#run.size; this.#runAt++) {
      if (this.#run.isLive(this.#runAt)) return this.#run.dues[this.#runAt]!;
    }
    while (this.size > 0) {
      for (; this.#heap.size > 0; dropFirst(this.#heap)) {
        if (this.#heap.isLive(0)) return this.#heap.dues[0]!;
      }
      this.#refill(0);
    }
    return Number.POSITIVE_INFINITY;
  }

  isArmed(slot: number): boolean {
    return this.#table.sequence(slot) !== 0;
  }

  /** Arms a timer that is not armed. While a run is being fired, only for later than that. */
  arm(slot: number, due: number): void {
    const id = this.#table.id(slot);
    const sequence = ++this.#lastSequence;
    this.#table.setDue(slot, due);
    this.#table.setSequence(slot, sequence);
    this.size++;
    if (due < this.#horizons[0]!) {
      push(this.#heap, id, due, sequence);
      if (this.#heap.size > this.#limits[0]!) this.#handOn(0);
    } else {
      this.#park(1, id, due, sequence);
    }
  }

  /** Disarms a timer that is armed. */
  disarm(slot: number): void {
    this.#table.setSequence(slot, 0);
    if (--this.size === 0) {
      this.#reset();
      return;
    }
    const level = this.#levelOf(this.#table.due(slot));
    if (level > 0) this.#levels[level]!.sweepSome();
    else if (++this.#deadInHeap > MIN_DEAD && this.#deadInHeap > this.#heap.size / 2) this.#rebuild();
  }

  /** Disarms the earliest timer that is due at `limit` or before, and returns its slot; -1 when there is none. */
  popDue(limit: number): number {
    const run = this.#run;
    for (;;) {
      if (this.#runAt === run.size && !this.#fillRun(limit)) return -1;
      const at = this.#runAt++;
      if (!run.isLive(at)) continue;
      const slot = run.slot(at);
      this.#table.setSequence(slot, 0);
      this.size--;
      return slot;
    }
  }

  /**
   * Moves the next few that are due from the heap to the run, which is empty; false when there are none.
   *
   * Looking at all their records at once lets the processor fetch them side by side, before they are needed one after
   * another: a fifth of the cost of firing when there are a million.
   */
  #fillRun(limit: number): boolean {
    const heap = this.#heap;
    const run = this.#run;
    run.size = this.#runAt = 0;
    if (this.earliest > limit) return false;
    while (run.size < RUN_LENGTH && heap.size > 0 && heap.dues[0]! <= limit) {
      run.append(heap.ids[0]!, heap.dues[0]!, heap.sequences[0]!);
      dropFirst(heap);
    }
    let live = 0;
    for (let at = 0; at < run.size; at++) {
      if (run.isLive(at) && this.#table.callback(run.slot(at)) !== undefined) live++;
    }
    return live > 0;
  }

  #levelOf(due: number): number {
    let level = 0;
    while (due >= this.#horizons[level]!) level++;
    return level;
  }

  /** Adds a node to the level where it belongs, which is `from` or a later one. */
  #park(from: number, id: number, due: number, sequence: number): void {
    let level = from;
    while (due >= this.#horizons[level]!) level++;
    const nodes = this.#levels[level]!;
    nodes.append(id, due, sequence);
    if (nodes.size > this.#limits[level]!) this.#handOn(level);
  }

  /** Moves the later half of a level to the next ones. */
  #handOn(level: number): void {
    const from = this.#levels[level]!;
    const split = findSplit(from, 1 / 2);
    // Infinity: nearly all are due at the same moment, and stay. The new limit keeps trying again cheap.
    if (split !== Number.POSITIVE_INFINITY) {
      this.#horizons[level] = split;
      from.takeOut(split, Number.POSITIVE_INFINITY, (id, due, sequence) => {
        this.#park(level + 1, id, due, sequence);
      });
      if (level === 0) this.#rebuild();
    }
    this.#limits[level] = Math.max(this.#limitOf(level), 2 * from.size);
  }

  /** Fills a level that is empty from the next one that is not. */
  #refill(level: number): void {
    const from = this.#levels[level + 1]!;
    if (from.size === 0) this.#refill(level + 1);
    const into = this.#levels[level]!;
    const wanted = this.#limitOf(level) / 2;
    const all = from.size <= wanted;
    const split = all ? Number.POSITIVE_INFINITY : findSplit(from, wanted / from.size);
    this.#horizons[level] = Math.min(split, this.#horizons[level + 1]!);
    if (level === 0) {
      this.#deadInHeap = 0;
      from.takeOut(Number.NEGATIVE_INFINITY, split, this.#toHeap);
    } else {
      from.takeOut(Number.NEGATIVE_INFINITY, split, (id, due, sequence) => into.append(id, due, sequence));
    }
    this.#limits[level] = Math.max(this.#limitOf(level), 2 * into.size);
  }

  /** Makes the heap a heap again, of its live nodes. */
  #rebuild(): void {
    const heap = this.#heap;
    const { size } = heap;
    heap.size = 0;
    this.#deadInHeap = 0;
    // In place: never more nodes are written than have been read.
    for (let at = 0; at < size; at++) {
      if (heap.isLive(at)) push(heap, heap.ids[at]!, heap.dues[at]!, heap.sequences[at]!);
    }
  }

  /** Drops all nodes, every one being dead. */
  #reset(): void {
    for (const nodes of this.#levels) nodes.size = 0;
    this.#run.size = this.#runAt = 0;
    this.#deadInHeap = 0;
    this.#horizons.fill(Number.POSITIVE_INFINITY);
  }

  #limitOf(level: number): number {
    return level === LEVELS - 1 ? Number.POSITIVE_INFINITY : this.#heapLimit * LEVEL_FACTOR ** level;
  }
}
