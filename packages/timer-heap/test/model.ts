import type { TimerHeap } from '../src/index.js';

export type Timers = Pick<
  TimerHeap,
  'after' | 'tick' | 'clear' | 'rearm' | 'runDue' | 'nextDeadline' | 'exists'
>;

interface Entry {
  id: number;
  due: number;
  sequence: number;
  interval: number;
  callback: () => void;
}

/** What a heap promises, in the simplest form: a list that is searched. */
export class SortedListModel {
  #entries: Entry[] = [];
  #sequence = 0;
  #id = 0;
  #running: Entry | undefined;
  #removed = false;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  after(ms: number, callback: () => void): number {
    return this.#add(ms, 0, callback);
  }

  tick(ms: number, callback: () => void): number {
    return this.#add(ms, ms, callback);
  }

  exists(id: number): boolean {
    return this.#entries.some((entry) => entry.id === id) || (this.#running?.id === id && !this.#removed);
  }

  clear(id: number): boolean {
    if (!this.exists(id)) return false;
    if (this.#running?.id === id) this.#removed = true;
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    return true;
  }

  rearm(id: number, ms: number): boolean {
    if (!this.exists(id)) return false;
    const entry = this.#entries.find((known) => known.id === id) ?? (this.#running as Entry);
    this.#entries = this.#entries.filter((known) => known !== entry);
    this.#insert(entry, this.#now() + ms);
    return true;
  }

  nextDeadline(): number | undefined {
    return this.#entries[0]?.due;
  }

  runDue(): number {
    const now = this.#now();
    let fired = 0;
    for (let entry = this.#entries[0]; entry !== undefined && entry.due <= now; entry = this.#entries[0]) {
      this.#entries.shift();
      this.#running = entry;
      this.#removed = false;
      entry.callback();
      this.#running = undefined;
      fired++;
      if (this.#removed || entry.interval === 0 || this.#entries.includes(entry)) continue;
      let due = entry.due;
      while (due <= now) due += entry.interval;
      this.#insert(entry, due);
    }
    return fired;
  }

  #add(ms: number, interval: number, callback: () => void): number {
    const entry = { id: ++this.#id, due: 0, sequence: 0, interval, callback };
    this.#insert(entry, this.#now() + ms);
    return entry.id;
  }

  #insert(entry: Entry, due: number): void {
    entry.due = due;
    entry.sequence = ++this.#sequence;
    this.#entries.push(entry);
    this.#entries.sort((a, b) => a.due - b.due || a.sequence - b.sequence);
  }
}
