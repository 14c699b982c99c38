import type { Channel } from '@millrace/channel';
import { SLOTS_PER_QUEUE } from '../claims/claim-layout.js';
import type { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import type { Job } from './job.js';

/** The link to one task worker. */
export interface TaskLink {
  readonly channel: Pick<Channel<TaskMessage>, 'send'> & {
    on(name: 'message', handler: (message: TaskMessage) => void): unknown;
    deliverNow(): void;
  };
  /** Wakes the worker whatever its doorbell word says. Missing where the kernel wakes it. */
  poke?(): void;
  /** The worker's data is corrupt: stops reading and sending until the link is reset. */
  distrust?(error: Error): void;
}

/** A link from which any free worker takes tasks. `send` returns false when the task waits for room; send no other until `onRoom`. */
export interface SharedLink extends TaskLink {
  /** There is room again. */
  onRoom(listener: () => void): void;
  /** Tasks that have been sent and not begun may be lost. */
  onLost(listener: () => void): void;
}

export interface WorkerQueueOptions {
  readonly claims: ClaimTable;
  /** Tasks that the worker runs at once. */
  readonly concurrency: number;
  /** How many it runs now, where other processes send it tasks, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** Any free worker takes from it: nothing is sent ahead. */
  readonly shared?: boolean;
}

/** Microseconds of work, as far as it can be known, that may lie before a task that is sent ahead. */
const AHEAD_BUDGET = 100;

/** The tasks that one worker, or a shared link, has been sent and not answered. */
export class WorkerQueue {
  readonly index: number;
  readonly link: TaskLink;
  readonly #claims: ClaimTable;
  readonly #concurrency: number;
  readonly #load: ((worker: number) => number) | undefined;
  /** Tasks by their slot. */
  readonly jobs: (Job | undefined)[] = new Array(SLOTS_PER_QUEUE).fill(undefined);
  readonly #free: number[] = [];
  /** Slots that still hold an offer of this process's predecessor. */
  #inherited: number[] = [];
  /** Whether any worker takes from it. */
  readonly shared: boolean;
  #count = 0;
  #expected = 0;
  /** Whether the worker accepts tasks: it has started and is not leaving. */
  ready = false;
  #opened = false;
  /** A task that was sent waits for room. */
  full = false;
  /** The worker has not answered in time: nothing is sent ahead until it does. */
  stalled = false;
  /** When it answered last, or got something to do after it had nothing. */
  progressAt = 0;

  constructor(
    index: number,
    link: TaskLink,
    { claims, concurrency, load, shared = false }: WorkerQueueOptions,
  ) {
    this.index = index;
    this.link = link;
    this.#claims = claims;
    this.#concurrency = concurrency;
    this.#load = load;
    this.shared = shared;
  }

  /** The worker (of a shared queue: one of them) accepts tasks from here on. */
  open(): void {
    this.ready = true;
    this.stalled = false;
    if (this.#opened) return;
    this.#opened = true;
    for (let at = SLOTS_PER_QUEUE - 1; at >= 0; at--) {
      // A worker may still run the predecessor's task; see `releaseAnswered` and `answered`.
      if (this.#claims.isOffered(this.#slot(at))) this.#inherited.push(at);
      else this.#free.push(at);
    }
  }

  /** How many of this client's tasks the worker has. */
  get count(): number {
    return this.#count;
  }

  /** How many of them wait in the worker behind those that run. */
  get ahead(): number {
    if (this.#load === undefined) return Math.max(0, this.#count - this.#concurrency);
    // It may run another client's task: only the claims tell.
    let ahead = 0;
    for (const job of this.jobs)
      if (job !== undefined && this.#claims.begunBy(job.slot, job.sequence) === undefined) ahead++;
    return ahead;
  }

  /** How many tasks lie before one that is sent now, as far as it can be known. */
  get length(): number {
    return this.#load === undefined ? this.#count : Math.max(this.#count, this.#load(this.index));
  }

  /** Whether a task sent now need not wait for another one of this client. */
  get hasCapacity(): boolean {
    return this.ready && this.#count < this.#concurrency && !this.full && this.#free.length > 0;
  }

  /** Whether a task sent now begins at once. */
  get isIdle(): boolean {
    return this.hasCapacity && (this.#load === undefined || this.#load(this.index) < this.#concurrency);
  }

  /** Whether one more may be sent: it begins at once, or so soon that sending it ahead saves a round trip. */
  get hasRoom(): boolean {
    if (!this.ready || this.full || this.#free.length === 0) return false;
    return (
      this.#count < this.#concurrency || (!this.shared && !this.stalled && this.#expected <= AHEAD_BUDGET)
    );
  }

  /** Gives `job` a slot and offers it there. */
  enter(job: Job, now: number): void {
    const at = this.#free.pop() as number;
    if (this.#count === 0) {
      this.progressAt = now;
      this.stalled = false;
    }
    this.jobs[at] = job;
    this.#count++;
    this.#expected += job.expected;
    job.queue = this.index;
    job.slot = this.#slot(at);
    job.sequence = this.#claims.offer(job.slot);
  }

  leave(job: Job): void {
    const at = job.slot % SLOTS_PER_QUEUE;
    this.jobs[at] = undefined;
    this.#free.push(at);
    this.#count--;
    this.#expected = this.#count === 0 ? 0 : this.#expected - job.expected;
    job.queue = job.slot = -1;
    job.grace?.cancel();
  }

  /** The worker has answered `job`. */
  answered(job: Job, now: number): void {
    this.leave(job);
    this.stalled = false;
    this.progressAt = now;
    // The worker begins tasks in the order of their messages: the predecessor's came earlier.
    if (this.#inherited.length > 0) this.releaseInherited();
  }

  /**
   * Frees the predecessor's slots whose tasks have been begun, or never will be. On a shared queue an open offer stays: any of
   * its workers may still begin it.
   */
  releaseInherited(): void {
    const isOpen = (at: number) => this.shared && this.#claims.isOffered(this.#slot(at));
    this.#free.push(...this.#inherited.filter((at) => !isOpen(at)));
    this.#inherited = this.#inherited.filter(isOpen);
  }

  /** The predecessor's task in `slot` has been answered: frees the slot. */
  releaseAnswered(slot: number): void {
    const index = this.#inherited.indexOf(slot % SLOTS_PER_QUEUE);
    if (index >= 0) this.#free.push(...this.#inherited.splice(index, 1));
  }

  /** Takes a task back that the worker has not begun; false when it has. */
  recall(job: Job): boolean {
    if (!this.#claims.recall(job.slot, job.sequence)) return false;
    this.leave(job);
    return true;
  }

  /** The task that a message is about; undefined when it has left. */
  find(slot: number, sequence: number, id: number): Job | undefined {
    const job = this.jobs[slot % SLOTS_PER_QUEUE];
    return job?.sequence === sequence && job.id >>> 0 === id ? job : undefined;
  }

  /** Whether the claim of `job` holds a possible state; any of `workers` may have begun a shared one. */
  isSound(job: Job, workers: number): boolean {
    const { index, shared } = this;
    return this.#claims.isSound(job.slot, job.sequence, shared ? 0 : index, shared ? workers - 1 : index);
  }

  /** Whether a worker has begun `job`. */
  hasBegun(job: Job): boolean {
    return this.#claims.begunBy(job.slot, job.sequence) !== undefined;
  }

  /** Its tasks, the oldest first. */
  list(): Job[] {
    const found: Job[] = [];
    for (const job of this.jobs) if (job !== undefined) found.push(job);
    return found.sort((a, b) => a.id - b.id);
  }

  #slot(at: number): number {
    return this.index * SLOTS_PER_QUEUE + at;
  }
}
