import type { Job } from './job.js';

/** Tasks of one priority in their order; a task knows its neighbours, so that it leaves from anywhere in constant time. */
class JobList {
  readonly priority: number;
  first: Job | undefined;
  #last: Job | undefined;

  constructor(priority: number) {
    this.priority = priority;
  }

  /** In the order of ids. New tasks come last, and those that come back are among the oldest: either end is near. */
  insert(job: Job): void {
    let after = this.#last;
    if (after !== undefined && after.id > job.id) {
      after = undefined;
      for (let at = this.first; at !== undefined && at.id < job.id; at = at.next) after = at;
    }
    job.list = this;
    job.previous = after;
    job.next = after === undefined ? this.first : after.next;
    if (job.next === undefined) this.#last = job;
    else job.next.previous = job;
    if (after === undefined) this.first = job;
    else after.next = job;
  }

  remove(job: Job): void {
    if (job.previous === undefined) this.first = job.next;
    else job.previous.next = job.next;
    if (job.next === undefined) this.#last = job.previous;
    else job.next.previous = job.previous;
    job.list = job.previous = job.next = undefined;
  }
}

/** Tasks that wait for any worker, or for one: by priority, within a priority in the order of their calls. */
class PriorityLists {
  /** Highest first. There are few priorities; lists stay when they are empty. */
  readonly lists: JobList[] = [];

  insert(job: Job): void {
    let at = 0;
    while (at < this.lists.length && (this.lists[at] as JobList).priority > job.priority) at++;
    let list = this.lists[at];
    if (list?.priority !== job.priority) {
      this.#dropEmpty();
      at = this.lists.findIndex(({ priority }) => priority < job.priority);
      list = new JobList(job.priority);
      this.lists.splice(at < 0 ? this.lists.length : at, 0, list);
    }
    (list as JobList).insert(job);
  }

  get first(): Job | undefined {
    for (const { first } of this.lists) if (first !== undefined) return first;
    return undefined;
  }

  /** A program that makes priorities up as it goes must not leave a list for each of them. */
  #dropEmpty(): void {
    for (let i = this.lists.length - 1; i >= 0; i--)
      if (this.lists[i]?.first === undefined) this.lists.splice(i, 1);
  }
}

/** Every task that waits for a task worker. */
export class Backlog {
  readonly #common = new PriorityLists();
  readonly #chosen = new Map<number, PriorityLists>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(job: Job): void {
    if (job.worker === undefined) this.#common.insert(job);
    else {
      let lists = this.#chosen.get(job.worker);
      if (lists === undefined) {
        lists = new PriorityLists();
        this.#chosen.set(job.worker, lists);
      }
      lists.insert(job);
    }
    this.#size++;
  }

  /** Removes and returns the next task for `worker`: one that chose it, or a common one. */
  take(worker: number, commonToo: boolean): Job | undefined {
    if (this.#size === 0) return undefined;
    const common = commonToo ? this.#common.first : undefined;
    const own = this.#chosen.get(worker)?.first;
    const job = own === undefined || (common !== undefined && precedes(common, own)) ? common : own;
    if (job !== undefined) this.remove(job);
    return job;
  }

  /** Takes a task out; false when it does not wait here. */
  remove(job: Job): boolean {
    if (job.list === undefined) return false;
    (job.list as JobList).remove(job);
    this.#size--;
    return true;
  }

  /** All of them, or those that have chosen `worker`. */
  list(worker?: number): Job[] {
    const found: Job[] = [];
    const all = worker === undefined ? [this.#common, ...this.#chosen.values()] : [this.#chosen.get(worker)];
    for (const lists of all)
      for (const { first } of lists?.lists ?? [])
        for (let job = first; job !== undefined; job = job.next) found.push(job);
    return found;
  }
}

function precedes(a: Job, b: Job): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.id < b.id;
}
