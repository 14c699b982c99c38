import type { Channel } from '@millrace/channel';
import { SLOTS_PER_LANE } from './claim-layout.js';
import type { ClaimTable } from './claims.js';
import type { Job } from './job.js';
import type { TaskMessage } from './task-message.js';

/** The way to one task worker. */
export interface TaskLink {
  readonly channel: Pick<Channel<TaskMessage>, 'send' | 'onMessage'> & { deliverNow(): void };
  /** Whether the task that was sent last is certainly still to be read, whole. Needed only where there are no claims. */
  readonly lastIsUnread?: () => boolean;
}

/** Microseconds of work, as far as it can be known, that may lie before a task that is sent ahead. */
const AHEAD_BUDGET = 100;

/** What one task worker has been sent. */
export class Lane {
  readonly index: number;
  readonly link: TaskLink;
  readonly #claims: ClaimTable | undefined;
  readonly #concurrency: number;
  /** Tasks by their slot. */
  readonly jobs: (Job | undefined)[] = new Array(SLOTS_PER_LANE).fill(undefined);
  readonly #free: number[] = [];
  readonly #ahead: boolean;
  #count = 0;
  #expected = 0;
  #sequence = 0;
  /** Whether the worker takes tasks: it is there, and does not end. */
  ready: boolean;
  /** It had no room at the last attempt. */
  full = false;
  /** It has not answered in time: nothing is sent ahead until it does. */
  stalled = false;
  /** When it answered last, or got something to do after it had nothing. */
  progressAt = 0;

  /** `shared`: whichever worker is free takes from it, so that it is there from the start, and nothing is sent ahead. */
  constructor(
    index: number,
    link: TaskLink,
    claims: ClaimTable | undefined,
    concurrency: number,
    shared = false,
  ) {
    this.index = index;
    this.link = link;
    this.#claims = claims;
    this.#concurrency = concurrency;
    // Without claims nobody can take anything back: what is sent must be what is run.
    const slots = claims === undefined ? concurrency : SLOTS_PER_LANE;
    for (let i = slots - 1; i >= 0; i--) this.#free.push(i);
    this.ready = claims === undefined || shared;
    this.#ahead = claims !== undefined && !shared;
  }

  /** How many tasks the worker has. */
  get count(): number {
    return this.#count;
  }

  /** How many of them wait there, behind those that it runs. */
  get ahead(): number {
    return Math.max(0, this.#count - this.#concurrency);
  }

  get hasIdlePlace(): boolean {
    return this.ready && this.#count < this.#concurrency && !this.full;
  }

  /** Whether one more may be sent, to be run at once or so soon that it is not worth the asking. */
  get hasRoom(): boolean {
    if (!this.ready || this.full || this.#free.length === 0) return false;
    return (
      this.#count < this.#concurrency || (this.#ahead && !this.stalled && this.#expected <= AHEAD_BUDGET)
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
    job.slot = this.index * SLOTS_PER_LANE + at;
    job.sequence = this.#claims === undefined ? ++this.#sequence : this.#claims.offer(job.slot);
  }

  leave(job: Job): void {
    const at = job.slot % SLOTS_PER_LANE;
    this.jobs[at] = undefined;
    this.#free.push(at);
    this.#count--;
    this.#expected = this.#count === 0 ? 0 : this.#expected - job.expected;
    job.lane = job.slot = -1;
    clearTimeout(job.grace);
  }

  /** Takes a task back that the worker has not begun; false when it has, or nobody can know. */
  recall(job: Job): boolean {
    if (this.#claims?.recall(job.slot, job.sequence) !== true) return false;
    this.leave(job);
    return true;
  }

  /** The task that a message is about; undefined when it is not there any more. */
  find(slot: number, sequence: number, id: number): Job | undefined {
    const job = this.jobs[slot % SLOTS_PER_LANE];
    return job?.sequence === sequence && job.id >>> 0 === id ? job : undefined;
  }

  /** What it has been sent, the oldest first. */
  list(): Job[] {
    const found: Job[] = [];
    for (const job of this.jobs) if (job !== undefined) found.push(job);
    return found.sort((a, b) => a.id - b.id);
  }
}
