/** Whether `value` can be what a counter says. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** What a counter says; 0 where a process has written over it. */
export function countOf(value: number): number {
  return isCount(value) ? value : 0;
}

/**
 * The counters of one block that this thread alone writes. Every process of the server maps them, so what is there may be
 * anything: the thread goes by a copy of its own, and stores that anew where it finds something else.
 */
export class CounterBlock {
  readonly #shared: Float64Array;
  readonly #own: Float64Array;
  /** 1: it is kept here, from when it was first written or on demand. */
  readonly #kept: Uint8Array;

  constructor(shared: Float64Array) {
    this.#shared = shared;
    this.#own = new Float64Array(shared.length);
    this.#kept = new Uint8Array(shared.length);
  }

  /** From here on the counters from `first` up to `end` are this thread's alone, as they are. */
  keep(first = 0, end = this.#own.length): this {
    for (let i = first; i < end; i++) if (this.#kept[i] === 0) this.#adopt(i);
    return this;
  }

  /** As this thread has written it; before that as a predecessor has left it. */
  get(counter: number): number {
    if (this.#kept[counter] === 0) this.#adopt(counter);
    return this.#own[counter] as number;
  }

  add(counter: number, by: number): void {
    if (this.#kept[counter] === 0) this.#adopt(counter);
    const value = (this.#own[counter] as number) + by;
    this.#own[counter] = value;
    this.#shared[counter] = value;
  }

  set(counter: number, value: number): void {
    this.#kept[counter] = 1;
    this.#own[counter] = value;
    this.#shared[counter] = value;
  }

  /** Stores anew what other processes have written over; returns how many counters those were. */
  restore(): number {
    let restored = 0;
    for (let i = 0; i < this.#own.length; i++) {
      if (this.#kept[i] === 0 || Object.is(this.#shared[i], this.#own[i])) continue;
      this.#shared[i] = this.#own[i] as number;
      restored++;
    }
    return restored;
  }

  /** A predecessor may have been the one that wrote over it, or the victim of that. */
  #adopt(counter: number): void {
    this.#kept[counter] = 1;
    this.#own[counter] = countOf(this.#shared[counter] as number);
  }
}

/** What the log is told when `restored` counters of `whose` were stored anew. */
export function restoredText(restored: number, whose: string): string {
  return `A process of this server has written over ${restored} counters of ${whose}, in memory that all of them map; they are right again.`;
}
