import { Alarm } from '@millrace/channel/internal';
import { SLOTS_PER_QUEUE } from '../claims/claim-layout.js';
import { TaskError } from '../errors.js';
import { Estimates } from '../wire/estimates.js';
import { reviveThrown } from '../wire/revive-thrown.js';
import * as layout from '../wire/task-layout.js';
import type { TaskMessage } from '../wire/task-message.js';
import { describePlainly, type Thrown } from '../wire/thrown.js';
import { Backlog } from './backlog.js';
import { chooseWorker } from './choose-worker.js';
import type { DispatcherOptions, WorkerEnd } from './dispatcher-options.js';
import type { Job, RunOptions } from './job.js';
import { PollTimer } from './poll-timer.js';
import { STATES, Statistics } from './statistics.js';
import { StealTimer } from './steal-timer.js';
import { markKilledFor, nameOf } from './stuck.js';
import { TaskOutcomes } from './task-outcomes.js';
import { TaskSender } from './task-sender.js';
import type { JobDispatcher } from './task-submitter.js';
import { type SharedLink, WorkerQueue } from './worker-queue.js';

/**
 * Assigns tasks to workers: one backlog for all, served by the workers that are free.
 *
 * Notes. A worker whose tasks have been quick is sent some ahead, which saves a round trip for each. When it does not answer
 * within a millisecond, the tasks it has not begun are taken back and go to a free worker (steal-timer.ts). When a worker begins a
 * task while it is taken back, the claim decides (claim-layout.ts), so no task runs twice.
 */
export class Dispatcher implements JobDispatcher {
  readonly queues: readonly WorkerQueue[];
  readonly backlog = new Backlog();
  readonly statistics = new Statistics();
  /** Workers that will not be started again, and why. */
  readonly lost = new Map<number, TaskError>();
  readonly #shared: WorkerQueue | undefined;
  /** The queues of the workers, and the shared one. */
  readonly #all: readonly WorkerQueue[];
  readonly #options: DispatcherOptions;
  readonly #estimates = new Estimates();
  readonly #outcomes: TaskOutcomes;
  readonly #sender: TaskSender;
  readonly #stealTimer: StealTimer;
  readonly #pollTimer: PollTimer;
  #closed = false;

  constructor(options: DispatcherOptions) {
    const { links, claims, load, concurrency = 1 } = options;
    this.#options = options;
    this.queues = links.map((link, index) => new WorkerQueue(index, link, { claims, concurrency, load }));
    if (options.shared !== undefined) {
      const places = Math.min(links.length * concurrency, SLOTS_PER_QUEUE);
      this.#shared = new WorkerQueue(links.length, options.shared, {
        claims,
        concurrency: places,
        shared: true,
      });
      this.#follow(this.#shared, options.shared);
    }
    this.#all = this.#shared === undefined ? this.queues : [...this.queues, this.#shared];
    this.#outcomes = new TaskOutcomes(this.statistics, options.tally);
    this.#sender = new TaskSender(options.incarnation);
    this.#stealTimer = new StealTimer(this.queues, (queue) => this.#steal(queue));
    this.#pollTimer = new PollTimer(this.#all, (queue) => this.#poll(queue));
    for (const queue of this.queues)
      queue.link.channel.on('message', (message) => this.#arrived(queue, message));
  }

  get waiting(): number {
    return this.backlog.size;
  }

  refusal({ worker, delay, idempotencyKey }: RunOptions): TaskError | undefined {
    if (delay !== undefined || idempotencyKey !== undefined) {
      const message = `'${delay === undefined ? 'idempotencyKey' : 'delay'}' needs the transport of an engine, such as bullmq().`;
      return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
    }
    if (worker === undefined) return undefined;
    if (this.queues[worker] !== undefined) return this.lost.get(worker);
    const message = `There is no task worker ${worker}; there are ${this.queues.length}.`;
    return new TaskError('ERR_MILLRACE_NO_TASK_WORKER', message);
  }

  /** How many tasks have been sent and have no answer yet. */
  get running(): number {
    let running = 0;
    for (const queue of this.#all) running += queue.count;
    return running;
  }

  /** Sends a task to a free worker, or keeps it in the backlog until there is one. */
  submit(job: Job): void {
    this.statistics.publish(STATES.queued, job);
    const queue = chooseWorker(job, this.queues, this.#shared, this.#options.first);
    if (queue === undefined) this.backlog.add(job);
    else this.#send(queue, job, job.queuedAt);
  }

  /** Settles a task with `error`: takes it back if it has not begun, aborts it if it has. */
  giveUp(job: Job, error: unknown): void {
    if (job.settled) return;
    if (!this.backlog.remove(job) && job.queue >= 0) {
      const queue = this.#all[job.queue] as WorkerQueue;
      if (queue.recall(job)) {
        job.removeFile();
        this.#outcomes.fail(job, error);
        return this.#fill(queue);
      }
      try {
        this.#abort(job, error);
      } finally {
        // The caller gets its error even when the worker cannot be reached.
        this.#outcomes.fail(job, error);
      }
    } else this.#outcomes.fail(job, error);
    this.#options.moved?.();
  }

  /** A worker takes tasks from here on. */
  workerReady(index: number): void {
    const queue = this.queues[index];
    if (queue === undefined || this.#closed) return;
    queue.link.channel.deliverNow(); // Its predecessor may have announced there that it retires.
    queue.open();
    // What the predecessor had read and not begun is no longer in the ring: send it again. The claim keeps it from running twice.
    this.#shared?.open();
    this.#takeAllBack(queue);
    this.#fill(queue);
  }

  /**
   * A worker has died. Tasks that it had not begun go to another worker and count no attempt; those that it had begun are run
   * again if `retries` allows it, and rejected otherwise. `cause`: why it died, where that is known.
   */
  workerDied(index: number, end: WorkerEnd, cause?: Error): void {
    const queue = this.queues[index];
    if (queue === undefined || this.#closed) return;
    // Its last answers may still be in the channel.
    queue.link.channel.deliverNow();
    queue.ready = false;
    queue.releaseInherited();
    this.#shared?.releaseInherited();
    for (const job of queue.list()) {
      if (this.#takeBack(queue, job)) continue;
      job.deathCause ??= cause;
      this.#died(queue, job, index, end);
    }
    // It may have taken them from the shared queue: send them again. A worker that finds the old message skips it.
    for (const job of this.#shared?.list() ?? []) {
      if (this.#takeBack(this.#shared as WorkerQueue, job)) continue;
      if (this.#options.claims.begunBy(job.slot, job.sequence) !== index) continue;
      job.deathCause ??= cause;
      this.#died(this.#shared as WorkerQueue, job, index, end);
    }
    this.#fillAll();
  }

  /**
   * The worker's data is corrupt and it is about to be killed: tasks that it has not begun go to another worker at once, and
   * `error` becomes the cause of death of those that it has.
   */
  distrust(index: number, error: Error): void {
    const queue = this.queues[index];
    if (queue === undefined || this.#closed) return;
    queue.ready = false;
    // Later: this may be called while a task is being written into that ring.
    queueMicrotask(() => {
      if (this.#closed) return;
      this.#takeAllBack(queue);
      for (const job of queue.list()) job.deathCause ??= error;
    });
  }

  #died(queue: WorkerQueue, job: Job, worker: number, end: WorkerEnd): void {
    queue.leave(job);
    if (this.#outcomes.died(job, worker, end)) this.backlog.add(job);
  }

  /** Rejects every task that has no answer yet. */
  close(error: TaskError): void {
    if (this.#closed) return;
    // First, so that a task taken back from one worker is not given to another.
    this.#closed = true;
    this.#stealTimer.stop();
    this.#pollTimer.stop();
    for (const job of this.backlog.list()) this.giveUp(job, error);
    for (const queue of this.#all) {
      for (const job of queue.list()) {
        // The owner of the workers ends them; `stuck` must not be called after this.
        job.grace?.cancel();
        this.giveUp(job, error);
      }
    }
  }

  /** Allows the worker to send `count` more results of a stream. */
  credit(job: Job, count: number): void {
    if (job.queue >= 0) this.#sender.tell(this.#queueOf(job), job, layout.CREDIT, count, undefined);
  }

  #send(queue: WorkerQueue, job: Job, now: number): void {
    job.expected = this.#estimates.get(job.name);
    queue.enter(job, now);
    const refusal = this.#sender.task(queue, job);
    if (refusal !== undefined) {
      if (!queue.recall(job)) queue.leave(job);
      return this.#outcomes.fail(job, refusal);
    }
    this.statistics.publish(STATES.sent, job);
    this.#pollTimer.start();
    // Where other clients send, too, the worker may have received one of their tasks just now.
    if (this.#options.load !== undefined || queue.ahead > 0) this.#stealTimer.start();
  }

  #follow(queue: WorkerQueue, link: SharedLink): void {
    link.onRoom(() => {
      queue.full = false;
      this.#fillAll();
    });
    link.onLost(() => this.#takeAllBack(queue));
  }

  /** Sends every task that is not begun again; a worker that finds the old message skips it. */
  #takeAllBack(queue: WorkerQueue): void {
    for (const job of queue.list()) this.#takeBack(queue, job);
    this.#fillAll();
  }

  /** The queue of the worker that has begun a task, or will. */
  #queueOf(job: Job): WorkerQueue {
    const queue = this.#all[job.queue] as WorkerQueue;
    if (!queue.shared) return queue;
    // An overwritten claim may name any number.
    return this.queues[this.#options.claims.begunBy(job.slot, job.sequence) ?? -1] ?? queue;
  }

  /** Reads answers whose doorbell was lost, and settles tasks whose claim was overwritten. */
  #poll(queue: WorkerQueue): void {
    queue.link.channel.deliverNow();
    let waits = false;
    for (const job of queue.list()) {
      if (!queue.isSound(job, this.queues.length)) this.#claimLost(queue, job);
      else if (!queue.hasBegun(job)) waits = true;
    }
    if (waits && queue.ready) queue.link.poke?.();
  }

  #claimLost(queue: WorkerQueue, job: Job): void {
    const where = queue.shared ? 'the queue' : `task worker ${queue.index}`;
    const error = new TaskError(
      'ERR_MILLRACE_TASK_CORRUPT',
      `The claim of task '${job.name}' (${job.id}), on its way to ${where}, was written over by some process; ` +
        'whether a worker has begun it cannot be told.',
    );
    // A worker that runs it all the same may stop.
    if (!job.settled) this.#sender.tell(queue, job, layout.ABORT, 0, describePlainly(error));
    queue.leave(job);
    this.#options.dropped?.(queue.index, error);
    if (this.#outcomes.lost(job, error)) this.backlog.add(job);
    this.#fillAll();
  }

  #arrived(queue: WorkerQueue, message: TaskMessage): void {
    if (message.kind === layout.RETIRING) return this.#retiring(queue);
    const { incarnation, slot, sequence, id } = message;
    const at = slot < 0 ? undefined : this.#all[(slot / SLOTS_PER_QUEUE) | 0];
    if (at === undefined || (at !== queue && !at.shared) || !isAnswer(message.kind))
      return this.#invalidMessage(queue, message);
    const job = incarnation === this.#options.incarnation ? at.find(slot, sequence, id) : undefined;
    if (message.kind === layout.FINISH) return this.#finished(queue, message, job);
    if (job === undefined) {
      // An answer to this process's predecessor.
      if (incarnation !== this.#options.incarnation) at.releaseAnswered(slot);
      this.#outcomes.late();
      return;
    }
    if (message.kind === layout.PROGRESS) this.#progress(queue, job, message);
    else if (message.kind === layout.ITEM) this.#item(job, message);
    else if (message.kind === layout.DYING)
      job.deathCause = message.broken ?? reviveThrown(message.value as Thrown);
    else this.#answered(this.#all[job.queue] as WorkerQueue, job, message);
  }

  /** No task worker sends such a message: the link is corrupt, and nothing behind the message can be trusted. */
  #invalidMessage(queue: WorkerQueue, { kind, slot }: TaskMessage): void {
    const message = `Task worker ${queue.index} sent a message of kind ${kind} about claim ${slot}, which cannot be an answer of its.`;
    queue.link.distrust?.(new TaskError('ERR_MILLRACE_TASK_CORRUPT', message));
  }

  #progress(queue: WorkerQueue, job: Job, { value, broken }: TaskMessage): void {
    if (broken === undefined) job.report(value);
    else this.#options.dropped?.(queue.index, broken);
  }

  #answered(queue: WorkerQueue, job: Job, message: TaskMessage): void {
    const now = performance.now();
    queue.answered(job, now);
    this.#estimates.observe(job.name, message.number);
    this.#outcomes.answered(job, message, now);
    this.#fill(queue);
  }

  #item(job: Job, { value, broken }: TaskMessage): void {
    // The caller has seen results of this attempt: there must be no second one.
    job.retries = 0;
    if (job.settled) return;
    if (broken !== undefined) this.giveUp(job, broken);
    else job.listener.item?.(value);
  }

  #finished(queue: WorkerQueue, { incarnation, id, value, broken }: TaskMessage, job: Job | undefined): void {
    if (broken !== undefined) this.#options.dropped?.(queue.index, broken);
    else if (job?.listener.finish !== undefined && !job.settled) job.listener.finish(value);
    else if (incarnation === this.#options.incarnation) this.#options.finished?.(id, value);
    else this.#outcomes.late();
  }

  /** The worker begins nothing more and ends soon. */
  #retiring(queue: WorkerQueue): void {
    queue.ready = false;
    this.#takeAllBack(queue);
  }

  /** Sends tasks of the backlog to a worker while it has room; when the backlog is empty, steals for an idle one. */
  #fill(queue: WorkerQueue): void {
    if (this.#closed) return;
    if (this.backlog.size > 0 && queue.hasRoom) {
      const now = performance.now();
      // With a shared link, a worker's own link is for the tasks that chose this worker.
      const takesCommon = this.#shared === undefined || queue === this.#shared;
      while (queue.hasRoom) {
        const job = this.backlog.take(queue.index, takesCommon);
        if (job === undefined) break;
        this.#send(queue, job, now);
      }
      this.#options.moved?.();
    }
    if (queue.count === 0 && queue.ready) this.#stealTimer.relieve(queue);
  }

  #fillAll(): void {
    if (this.#closed) return;
    // Idle workers first; then those that run only other clients' tasks.
    for (const queue of this.#all) if (this.backlog.size > 0 && queue.isIdle) this.#fill(queue);
    for (const queue of this.#all) if (this.backlog.size > 0 && queue.hasCapacity) this.#fill(queue);
  }

  /** Takes back the newest half of what a worker has not begun, for the idle ones. */
  #steal(queue: WorkerQueue): void {
    let wanted = Math.ceil(queue.ahead / 2);
    for (const job of queue.list().reverse()) {
      if (wanted === 0) break;
      // Tasks that chose this worker would only come back.
      if (job.worker === undefined && this.#takeBack(queue, job)) wanted--;
    }
    this.#fillAll();
  }

  #takeBack(queue: WorkerQueue, job: Job): boolean {
    if (!queue.recall(job)) return false;
    job.removeFile();
    if (job.settled) return true;
    this.statistics.recalled++;
    this.statistics.publish(STATES.recalled, job);
    this.backlog.add(job);
    return true;
  }

  /** Aborts a task in its worker; after `grace` milliseconds `stuck` may kill the worker. */
  #abort(job: Job, reason: unknown): void {
    const worker = this.#queueOf(job);
    this.#sender.tell(worker, job, layout.ABORT, 0, describePlainly(reason));
    const { grace, stuck } = this.#options;
    if (grace === undefined || stuck === undefined || this.#closed) return;
    job.grace = new Alarm(grace, () => {
      const alongside = this.#runBy(worker.index).filter(({ settled }) => !settled);
      markKilledFor(job, worker.index, grace, alongside);
      stuck(worker.index, nameOf(job), alongside.map(nameOf));
    });
  }

  /** The tasks that a worker has begun and not answered. */
  #runBy(worker: number): Job[] {
    const { claims } = this.#options;
    return this.#all
      .flatMap((queue) => queue.list())
      .filter(({ slot, sequence }) => claims.begunBy(slot, sequence) === worker);
  }
}

function isAnswer(kind: number): boolean {
  return kind >= layout.DONE && kind <= layout.DYING;
}
