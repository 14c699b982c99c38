import type { Channel } from '@millrace/channel';
import { SLOTS_PER_LANE } from '../claims/claim-layout.js';
import type { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import type { Job } from './job.js';

/** The way to one task worker. */
export interface TaskLink {
  readonly channel: Pick<Channel<TaskMessage>, 'send'> & {
    on(name: 'message', handler: (message: TaskMessage) => void): unknown;
    deliverNow(): void;
  };
  /** Has the worker look, whatever the word of its doorbell says. Missing where the kernel wakes it. */
  poke?(): void;
  /** What came from there makes no sense: nothing more is read or sent until its maker has emptied it. */
  distrust?(error: Error): void;
}

/** A way to whichever worker is free. Its `send` gives false for a task that waits for room, as no other may then. */
export interface SharedLink extends TaskLink {
  /** There is room again. */
  onRoom(listener: () => void): void;
  /** What has been sent and is not begun may be gone. */
  onLost(listener: () => void): void;
}

export interface LaneOptions {
  readonly claims: ClaimTable;
  /** Tasks that the worker runs at once. */
  readonly concurrency: number;
  /** How many it runs now, where other askers give it tasks, too. */
  readonly load?: ((worker: number) => number) | undefined;
  /** Whichever worker is free takes from it: nothing is sent ahead. */
  readonly shared?: boolean;
}

/** Microseconds of work, as far as it can be known, that may lie before a task that is sent ahead. */
const AHEAD_BUDGET = 100;

/** What one task worker has been sent. */
export class Lane {
  readonly index: number;
  readonly link: TaskLink;
  readonly #claims: ClaimTable;
  readonly #concurrency: number;
  readonly #load: ((worker: number) => number) | undefined;
  /** Tasks by their slot. */
  readonly jobs: (Job | undefined)[] = new Array(SLOTS_PER_LANE).fill(undefined);
  readonly #free: number[] = [];
  /** Slots with an offer of the process that had this one's place before. */
  #inherited: number[] = [];
  /** Whether any worker takes from it. */
  readonly shared: boolean;
  #count = 0;
  #expected = 0;
  /** Whether the worker takes tasks: it is there, and does not end. */
  ready = false;
  #opened = false;
  /** One that was sent waits for room. */
  full = false;
  /** It has not answered in time: nothing is sent ahead until it does. */
  stalled = false;
  /** When it answered last, or got something to do after it had nothing. */
  progressAt = 0;

  constructor(index: number, link: TaskLink, { claims, concurrency, load, shared = false }: LaneOptions) {
    this.index = index;
    this.link = link;
    this.#claims = claims;
    this.#concurrency = concurrency;
    this.#load = load;
    this.shared = shared;
  }

  /** The worker takes tasks from here on; of a shared lane, one of them. */
  open(): void {
    this.ready = true;
    this.stalled = false;
    if (this.#opened) return;
    this.#opened = true;
    for (let at = SLOTS_PER_LANE - 1; at >= 0; at--) {
      // The task of a dead asker is run, if its message is still there; see `foreign` and `answered`.
      if (this.#claims.isOffered(this.#slot(at))) this.#inherited.push(at);
      else this.#free.push(at);
    }
  }

  /** How many tasks the worker has of this asker's. */
  get count(): number {
    return this.#count;
  }

  /** How many of them wait there, behind those that it runs. */
  get ahead(): number {
    if (this.#load === undefined) return Math.max(0, this.#count - this.#concurrency);
    // It may run another asker's: the claims know.
    let ahead = 0;
    for (const job of this.jobs)
      if (job !== undefined && this.#claims.begunBy(job.slot, job.sequence) === undefined) ahead++;
    return ahead;
  }

  /** How many tasks lie before one that is sent now, as far as it can be known. */
  get length(): number {
    return this.#load === undefined ? this.#count : Math.max(this.#count, this.#load(this.index));
  }

  /** Whether one that is sent now need not wait for one of this asker's. */
  get hasPlace(): boolean {
    return this.ready && this.#count < this.#concurrency && !this.full && this.#free.length > 0;
  }

  /** Whether one that is sent now is begun at once. */
  get isIdle(): boolean {
    return this.hasPlace && (this.#load === undefined || this.#load(this.index) < this.#concurrency);
  }

  /** Whether one more may be sent, to be run at once or so soon that it is not worth the asking. */
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
    job.lane = this.index;
    job.slot = this.#slot(at);
    job.sequence = this.#claims.offer(job.slot);
  }

  leave(job: Job): void {
    const at = job.slot % SLOTS_PER_LANE;
    this.jobs[at] = undefined;
    this.#free.push(at);
    this.#count--;
    this.#expected = this.#count === 0 ? 0 : this.#expected - job.expected;
    job.lane = job.slot = -1;
    job.grace?.cancel();
  }

  /** The worker has answered `job`. */
  answered(job: Job, now: number): void {
    this.leave(job);
    this.stalled = false;
    this.progressAt = now;
    // It begins in the order of the messages: those of the dead asker were before.
    if (this.#inherited.length > 0) this.disinherit();
  }

  /**
   * Slots of a dead asker whose task has been begun, or never will be, are free. Of several workers that take from one
   * way, any may be slow to begin.
   */
  disinherit(): void {
    const isOpen = (at: number) => this.shared && this.#claims.isOffered(this.#slot(at));
    this.#free.push(...this.#inherited.filter((at) => !isOpen(at)));
    this.#inherited = this.#inherited.filter(isOpen);
  }

  /** An answer to a dead asker: that slot is free. */
  foreign(slot: number): void {
    const index = this.#inherited.indexOf(slot % SLOTS_PER_LANE);
    if (index >= 0) this.#free.push(...this.#inherited.splice(index, 1));
  }

  /** Takes a task back that the worker has not begun; false when it has. */
  recall(job: Job): boolean {
    if (!this.#claims.recall(job.slot, job.sequence)) return false;
    this.leave(job);
    return true;
  }

  /** The task that a message is about; undefined when it is not there any more. */
  find(slot: number, sequence: number, id: number): Job | undefined {
    const job = this.jobs[slot % SLOTS_PER_LANE];
    return job?.sequence === sequence && job.id >>> 0 === id ? job : undefined;
  }

  /** Whether the claim of `job`, which is here, says what it can say; of `workers` any may have begun what is shared. */
  isSound(job: Job, workers: number): boolean {
    const { index, shared } = this;
    return this.#claims.isSound(job.slot, job.sequence, shared ? 0 : index, shared ? workers - 1 : index);
  }

  /** Whether a worker has begun `job`, which is here. */
  hasBegun(job: Job): boolean {
    return this.#claims.begunBy(job.slot, job.sequence) !== undefined;
  }

  /** What it has been sent, the oldest first. */
  list(): Job[] {
    const found: Job[] = [];
    for (const job of this.jobs) if (job !== undefined) found.push(job);
    return found.sort((a, b) => a.id - b.id);
  }

  #slot(at: number): number {
    return this.index * SLOTS_PER_LANE + at;
  }
}
