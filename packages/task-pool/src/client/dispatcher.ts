import { Alarm } from '@millrace/channel';
import { SLOTS_PER_LANE } from '../claims/claim-layout.js';
import { TaskError } from '../errors.js';
import { Estimates } from '../wire/estimates.js';
import { reviveThrown } from '../wire/revive-thrown.js';
import * as layout from '../wire/task-layout.js';
import type { TaskMessage } from '../wire/task-message.js';
import { describePlainly, type Thrown } from '../wire/thrown.js';
import { Backlog } from './backlog.js';
import { placeFor } from './choose-worker.js';
import type { DispatcherOptions, WorkerEnd } from './dispatcher-options.js';
import type { Job } from './job.js';
import { Watch } from './poll-timer.js';
import { STATES, Statistics } from './statistics.js';
import { Patience } from './steal-timer.js';
import { blame, nameOf } from './stuck.js';
import { Settlement } from './task-outcome.js';
import { Outbox } from './task-sender.js';
import { Lane, type SharedLink } from './worker-queue.js';

/**
 * Gives tasks to task workers: one backlog, to whoever is free.
 *
 * Notes. A worker that is known to be quick is sent tasks ahead, so that it need not ask for each. None of them is bound
 * to it: when it has not answered for a moment, what it has not begun is taken back, and goes to whoever is free. Of the
 * two sides that reach for a task at the same time one gets it (claim-layout.ts), so none is run twice.
 */
export class Dispatcher {
  readonly lanes: readonly Lane[];
  readonly backlog = new Backlog();
  readonly statistics = new Statistics();
  readonly #shared: Lane | undefined;
  /** The lanes of the workers, and the shared one. */
  readonly #all: readonly Lane[];
  readonly #options: DispatcherOptions;
  readonly #estimates = new Estimates();
  readonly #settlement: Settlement;
  readonly #outbox: Outbox;
  readonly #patience: Patience;
  readonly #watch: Watch;
  #closed = false;

  constructor(options: DispatcherOptions) {
    const { links, claims, load, concurrency = 1 } = options;
    this.#options = options;
    this.lanes = links.map((link, index) => new Lane(index, link, { claims, concurrency, load }));
    if (options.shared !== undefined) {
      const places = Math.min(links.length * concurrency, SLOTS_PER_LANE);
      this.#shared = new Lane(links.length, options.shared, { claims, concurrency: places, shared: true });
      this.#follow(this.#shared, options.shared);
    }
    this.#all = this.#shared === undefined ? this.lanes : [...this.lanes, this.#shared];
    this.#settlement = new Settlement(this.statistics, options.tally);
    this.#outbox = new Outbox(options.owner);
    this.#patience = new Patience(this.lanes, (lane) => this.#steal(lane));
    this.#watch = new Watch(this.#all, (lane) => this.#lookAt(lane));
    for (const lane of this.lanes) lane.link.channel.on('message', (message) => this.#arrived(lane, message));
  }

  /** Tasks that have been sent and have no answer yet. */
  get running(): number {
    let running = 0;
    for (const lane of this.#all) running += lane.count;
    return running;
  }

  /** Sends a task to whoever is free, or keeps it until somebody is. */
  submit(job: Job): void {
    this.statistics.publish(STATES.queued, job);
    const lane = placeFor(job, this.lanes, this.#shared, this.#options.first);
    if (lane === undefined) this.backlog.add(job);
    else this.#send(lane, job, job.queuedAt);
  }

  /** Ends a task that has no answer yet: it is not run, or told that nobody waits for it any more. */
  giveUp(job: Job, error: unknown): void {
    if (job.settled) return;
    if (!this.backlog.remove(job) && job.lane >= 0) {
      const lane = this.#all[job.lane] as Lane;
      if (lane.recall(job)) {
        job.forgetFile();
        this.#settlement.fail(job, error);
        return this.#fill(lane);
      }
      try {
        this.#abort(job, error);
      } finally {
        // Whether the worker could be told or not: the caller is.
        this.#settlement.fail(job, error);
      }
    } else this.#settlement.fail(job, error);
    this.#options.moved?.();
  }

  /** A worker takes tasks from here on. */
  workerReady(index: number): void {
    const lane = this.lanes[index];
    if (lane === undefined || this.#closed) return;
    lane.link.channel.deliverNow(); // The one before may have said there that it ends.
    lane.open();
    // What the one before had read and not begun is in its ring no more. Sent twice it is run once.
    this.#shared?.open();
    this.#takeAllBack(lane);
    this.#fill(lane);
  }

  /**
   * A worker has died. What it had not begun goes to another, as if nothing had been; what it had begun is run again if
   * it may be, and rejected if not. `cause`: why it died, where that is known.
   */
  workerDied(index: number, end: WorkerEnd, cause?: Error): void {
    const lane = this.lanes[index];
    if (lane === undefined || this.#closed) return;
    // What it answered before it died is still to be read.
    lane.link.channel.deliverNow();
    lane.ready = false;
    lane.disinherit();
    this.#shared?.disinherit();
    for (const job of lane.list()) {
      if (this.#takeBack(lane, job)) continue;
      job.deathCause ??= cause;
      this.#died(lane, job, index, end);
    }
    // It may have taken them from the queue. They are sent once more: whoever finds the message of before skips it.
    for (const job of this.#shared?.list() ?? []) {
      if (this.#takeBack(this.#shared as Lane, job)) continue;
      if (this.#options.claims.begunBy(job.slot, job.sequence) !== index) continue;
      job.deathCause ??= cause;
      this.#died(this.#shared as Lane, job, index, end);
    }
    this.#fillAll();
  }

  /**
   * What lies between makes no sense, and the worker is about to be killed: what it has not begun goes to another at once, and
   * what it has is told why that worker has died.
   */
  distrust(index: number, error: Error): void {
    const lane = this.lanes[index];
    if (lane === undefined || this.#closed) return;
    lane.ready = false;
    // Not at once: a task may be on its way into that very ring.
    queueMicrotask(() => {
      if (this.#closed) return;
      this.#takeAllBack(lane);
      for (const job of lane.list()) job.deathCause ??= error;
    });
  }

  #died(lane: Lane, job: Job, worker: number, end: WorkerEnd): void {
    lane.leave(job);
    if (this.#settlement.died(job, worker, end)) this.backlog.add(job);
  }

  /** Rejects whatever has no answer yet. */
  close(error: TaskError): void {
    if (this.#closed) return;
    // Before: what is taken back from one worker must not be given to another meanwhile.
    this.#closed = true;
    this.#patience.stop();
    this.#watch.stop();
    for (const job of this.backlog.list()) this.giveUp(job, error);
    for (const lane of this.#all) {
      for (const job of lane.list()) {
        // Whoever closes sees to the workers; nobody hears of their ends here any more.
        job.grace?.cancel();
        this.giveUp(job, error);
      }
    }
  }

  /** Says that `count` more results of a stream may come. */
  credit(job: Job, count: number): void {
    if (job.lane >= 0) this.#outbox.tell(this.#laneOf(job), job, layout.CREDIT, count, undefined);
  }

  #send(lane: Lane, job: Job, now: number): void {
    job.expected = this.#estimates.get(job.name);
    lane.enter(job, now);
    const refusal = this.#outbox.task(lane, job);
    if (refusal !== undefined) {
      if (!lane.recall(job)) lane.leave(job);
      return this.#settlement.fail(job, refusal);
    }
    this.statistics.publish(STATES.sent, job);
    this.#watch.start();
    // Where others send, too, the worker may have got one of theirs just now.
    if (this.#options.load !== undefined || lane.ahead > 0) this.#patience.start();
  }

  #follow(lane: Lane, link: SharedLink): void {
    link.onRoom(() => {
      lane.full = false;
      this.#fillAll();
    });
    link.onLost(() => this.#takeAllBack(lane));
  }

  /** What is not begun is sent once more; whoever finds the message of before skips it. */
  #takeAllBack(lane: Lane): void {
    for (const job of lane.list()) this.#takeBack(lane, job);
    this.#fillAll();
  }

  /** The way to the worker that has begun a task, or is to. */
  #laneOf(job: Job): Lane {
    const lane = this.#all[job.lane] as Lane;
    if (!lane.shared) return lane;
    // A claim that was written over may name any.
    return this.lanes[this.#options.claims.begunBy(job.slot, job.sequence) ?? -1] ?? lane;
  }

  /** Hears what no bell has rung for, and settles what no worker can begin or answer any more. */
  #lookAt(lane: Lane): void {
    lane.link.channel.deliverNow();
    let waits = false;
    for (const job of lane.list()) {
      if (!lane.isSound(job, this.lanes.length)) this.#claimLost(lane, job);
      else if (!lane.hasBegun(job)) waits = true;
    }
    if (waits && lane.ready) lane.link.poke?.();
  }

  #claimLost(lane: Lane, job: Job): void {
    const where = lane.shared ? 'the queue' : `task worker ${lane.index}`;
    const error = new TaskError(
      'ERR_MILLRACE_TASK_CORRUPT',
      `The claim of task '${job.name}' (${job.id}), on its way to ${where}, was written over by some process; ` +
        'whether a worker has begun it cannot be told.',
    );
    // One that runs it all the same need not go on.
    if (!job.settled) this.#outbox.tell(lane, job, layout.ABORT, 0, describePlainly(error));
    lane.leave(job);
    this.#options.dropped?.(lane.index, error);
    if (this.#settlement.lost(job, error)) this.backlog.add(job);
    this.#fillAll();
  }

  #arrived(lane: Lane, message: TaskMessage): void {
    if (message.kind === layout.RETIRING) return this.#retiring(lane);
    const { owner, slot, sequence, id } = message;
    const at = slot < 0 ? undefined : this.#all[(slot / SLOTS_PER_LANE) | 0];
    if (at === undefined || (at !== lane && !at.shared) || !isAnswer(message.kind))
      return this.#nonsense(lane, message);
    const job = owner === this.#options.owner ? at.find(slot, sequence, id) : undefined;
    if (message.kind === layout.FINISH) return this.#finished(lane, message, job);
    if (job === undefined) {
      // Of a predecessor.
      if (owner !== this.#options.owner) at.foreign(slot);
      this.#settlement.late();
      return;
    }
    if (message.kind === layout.PROGRESS) this.#progress(lane, job, message);
    else if (message.kind === layout.ITEM) this.#item(job, message);
    else if (message.kind === layout.DYING)
      job.deathCause = message.broken ?? reviveThrown(message.value as Thrown);
    else this.#answered(this.#all[job.lane] as Lane, job, message);
  }

  /** No task worker sends such a message: what it was is lost, and what comes behind it is worth no more. */
  #nonsense(lane: Lane, { kind, slot }: TaskMessage): void {
    const message = `A message of kind ${kind} about claim ${slot} is no answer of task worker ${lane.index}.`;
    lane.link.distrust?.(new TaskError('ERR_MILLRACE_TASK_CORRUPT', message));
  }

  #progress(lane: Lane, job: Job, { value, broken }: TaskMessage): void {
    if (broken === undefined) job.report(value);
    else this.#options.dropped?.(lane.index, broken);
  }

  #answered(lane: Lane, job: Job, message: TaskMessage): void {
    const now = performance.now();
    lane.answered(job, now);
    this.#estimates.observe(job.name, message.number);
    this.#settlement.answered(job, message, now);
    this.#fill(lane);
  }

  #item(job: Job, { value, broken }: TaskMessage): void {
    // What has been given out cannot be taken back: from here on it is run once.
    job.retries = 0;
    if (job.settled) return;
    if (broken !== undefined) this.giveUp(job, broken);
    else job.listener.item?.(value);
  }

  #finished(lane: Lane, { owner, id, value, broken }: TaskMessage, job: Job | undefined): void {
    if (broken !== undefined) this.#options.dropped?.(lane.index, broken);
    else if (job?.listener.finish !== undefined && !job.settled) job.listener.finish(value);
    else if (owner === this.#options.owner) this.#options.finished?.(id, value);
    else this.#settlement.late();
  }

  /** A worker ends soon, and begins nothing more. */
  #retiring(lane: Lane): void {
    lane.ready = false;
    this.#takeAllBack(lane);
  }

  /** Gives a worker what waits, as long as it has room; what others have ahead, when nothing waits. */
  #fill(lane: Lane): void {
    if (this.#closed) return;
    if (this.backlog.size > 0 && lane.hasRoom) {
      const now = performance.now();
      // Where there is a shared way, a worker's own is for those that have chosen it.
      const anybodys = this.#shared === undefined || lane === this.#shared;
      while (lane.hasRoom) {
        const job = this.backlog.take(lane.index, anybodys);
        if (job === undefined) break;
        this.#send(lane, job, now);
      }
      this.#options.moved?.();
    }
    if (lane.count === 0 && lane.ready) this.#patience.relieve(lane);
  }

  #fillAll(): void {
    if (this.#closed) return;
    // The idle first; another asker's task is no reason to leave a place empty.
    for (const lane of this.#all) if (this.backlog.size > 0 && lane.isIdle) this.#fill(lane);
    for (const lane of this.#all) if (this.backlog.size > 0 && lane.hasPlace) this.#fill(lane);
  }

  /** Takes back half of what a worker has not begun, the newest, for those that are idle. */
  #steal(lane: Lane): void {
    let wanted = Math.ceil(lane.ahead / 2);
    for (const job of lane.list().reverse()) {
      if (wanted === 0) break;
      // Those that must be run there would only come back.
      if (job.worker === undefined && this.#takeBack(lane, job)) wanted--;
    }
    this.#fillAll();
  }

  #takeBack(lane: Lane, job: Job): boolean {
    if (!lane.recall(job)) return false;
    job.forgetFile();
    if (job.settled) return true;
    this.statistics.recalled++;
    this.statistics.publish(STATES.recalled, job);
    this.backlog.add(job);
    return true;
  }

  /** Tells the worker that nobody waits for a task; it may be killed for going on. */
  #abort(job: Job, reason: unknown): void {
    const worker = this.#laneOf(job);
    this.#outbox.tell(worker, job, layout.ABORT, 0, describePlainly(reason));
    const { grace, stuck } = this.#options;
    if (grace === undefined || stuck === undefined || this.#closed) return;
    job.grace = new Alarm(grace, () => {
      const alongside = this.#runBy(worker.index).filter(({ settled }) => !settled);
      blame(job, worker.index, grace, alongside);
      stuck(worker.index, nameOf(job), alongside.map(nameOf));
    });
  }

  /** What a worker has begun, and not answered. */
  #runBy(worker: number): Job[] {
    const { claims } = this.#options;
    return this.#all
      .flatMap((lane) => lane.list())
      .filter(({ slot, sequence }) => claims.begunBy(slot, sequence) === worker);
  }
}

function isAnswer(kind: number): boolean {
  return kind >= layout.DONE && kind <= layout.DYING;
}
