import { resized, type TimerTable } from '../timer-table.js';

const INITIAL_CAPACITY = 64;
/** Nodes that are looked at for each one that has died. Four keep the dead below about a quarter. */
const LOOKS_PER_DEAD = 4;

/**
 * Some deadlines, in parallel arrays. A node is an arming: a timer that is re-armed gets a new node.
 *
 * A node is dead when its sequence is not the one in the table, its timer having been cleared or re-armed since. Dead
 * nodes stay until a scan meets them; so no one keeps the position of a timer's node, and nodes move freely.
 */
export class DeadlineNodes {
  /** Nodes, dead ones included. */
  size = 0;
  dues = new Float64Array(INITIAL_CAPACITY);
  sequences = new Float64Array(INITIAL_CAPACITY);
  /** The lower 32 bits of ids: enough to find their slots. */
  ids = new Int32Array(INITIAL_CAPACITY);
  readonly #table: TimerTable;
  #cursor = 0;

  constructor(table: TimerTable) {
    this.#table = table;
  }

  /** The slot of the timer that the node is of, or was. */
  slot(at: number): number {
    return this.ids[at]! & this.#table.mask;
  }

  isLive(at: number): boolean {
    return this.#table.sequence(this.slot(at)) === this.sequences[at];
  }

  /** Adds a node at the end. */
  append(id: number, due: number, sequence: number): void {
    if (this.size === this.ids.length) this.grow();
    this.#set(this.size++, id, due, sequence);
  }

  /** Drops a few dead nodes, in any place: to be called for each node that dies. Not for a heap. */
  sweepSome(): void {
    for (let look = 0; look < LOOKS_PER_DEAD && this.size > 0; look++) {
      if (this.#cursor >= this.size) this.#cursor = 0;
      if (this.isLive(this.#cursor)) this.#cursor++;
      else this.#copy(--this.size, this.#cursor);
    }
  }

  /** Takes out the nodes that are due from `from` to before `to`, and gives them to `take`: one scan. */
  takeOut(from: number, to: number, take: (id: number, due: number, sequence: number) => void): void {
    const { dues } = this;
    for (let at = 0; at < this.size; ) {
      const due = dues[at]!;
      if (due < from || due >= to) {
        at++;
      } else {
        take(this.ids[at]!, due, this.sequences[at]!);
        this.#copy(--this.size, at);
      }
    }
  }

  grow(): void {
    const { ids } = this;
    this.dues = resized(this.dues, 2 * this.dues.length);
    this.sequences = resized(this.sequences, 2 * this.sequences.length);
    this.ids = new Int32Array(2 * ids.length);
    this.ids.set(ids);
  }

  #copy(from: number, to: number): void {
    this.#set(to, this.ids[from]!, this.dues[from]!, this.sequences[from]!);
  }

  #set(at: number, id: number, due: number, sequence: number): void {
    this.ids[at] = id;
    this.dues[at] = due;
    this.sequences[at] = sequence;
  }
}

/** Deadlines that are looked at to guess how all of them are spread. */
const SAMPLES = 128;

/**
 * Finds a deadline that splits `nodes`, of which there is one at least: about `fraction` of them are due before it,
 * at least one is, and at least one is not. Infinity when all that were looked at are equal.
 */
export function findSplit({ dues, size }: DeadlineNodes, fraction: number): number {
  const sample = new Float64Array(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) sample[i] = dues[Math.floor((i * size) / SAMPLES)]!;
  sample.sort();
  const split = sample[Math.floor(fraction * SAMPLES)]!;
  if (split > sample[0]!) return split;
  return sample.find((due) => due > split) ?? Number.POSITIVE_INFINITY;
}
