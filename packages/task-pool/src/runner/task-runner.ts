import { SLOTS_PER_QUEUE } from '../claims/claim-layout.js';
import type { ClaimTable } from '../claims/claim-table.js';
import { TaskError } from '../errors.js';
import { Estimates } from '../wire/estimates.js';
import { reviveThrown } from '../wire/revive-thrown.js';
import * as layout from '../wire/task-layout.js';
import { TaskMessage } from '../wire/task-message.js';
import { describePlainly, describeRefusal, describeThrown, type Thrown } from '../wire/thrown.js';
import type { RunnerChannel, TaskRunnerOptions } from './runner-options.js';
import { RunningTask, type RunningTaskHost } from './running-task.js';
import { isStream, isThenable, type Stream, sendStream } from './task-results.js';
import { onUncaught, sendDying } from './uncaught.js';

const MICROSECONDS = 1_000;
/** Microseconds: answers wait, unrung, for a next task that is expected to take at most this long, and no longer than this. */
const QUICK = 100;

/**
 * Runs the tasks that arrive in a task worker, in the order of their arrival.
 *
 * Notes. Tasks beyond `concurrency` wait here, and their client may take them back as long as they have not begun. An answer has
 * left this process before the next task begins, so that a death costs the running tasks and no other. In a ring of shared memory
 * an answer is out without ringing the doorbell: when the next task is of the same client and its name has been quick, the
 * doorbell rings once for both answers. If that task turns out slow, the client still finds the first answer, because it polls each
 * millisecond while a task that it sent ahead has not begun (steal-timer.ts).
 */
export class TaskRunner implements RunningTaskHost {
  readonly #options: TaskRunnerOptions;
  readonly #concurrency: number;
  readonly #reply = new TaskMessage();
  /** Received and not begun, oldest first; entries before `#first` are gone. */
  #waiting: (RunningTask | undefined)[] = [];
  #first = 0;
  readonly #running = new Set<RunningTask>();
  #begun = 0;
  #pumping = false;
  #pumpScheduled = false;
  readonly #pumpNow = () => {
    this.#pumpScheduled = false;
    this.#pump();
  };
  readonly #estimates = new Estimates();
  /** When the first answer was sent whose client's doorbell has not been rung. */
  #unrungSince = Number.POSITIVE_INFINITY;
  #stopped = false;
  #forgetUncaught: () => void = () => {};
  /** Resolved when a task ends. */
  #capacityWaiters: (() => void)[] = [];
  /** Called when a task has arrived that leaves no free slot. */
  #onFull: () => void = () => {};
  /** Resolved when no task runs. */
  #idle: (() => void)[] = [];

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 1;
  }

  /** Receives and runs tasks from here on, until `stop`. */
  start(): void {
    for (const [source, channel] of this.#options.channels.entries())
      channel.on('message', (message) => this.take(source, message));
    // Only observes: Node, or a handler of the program, decides afterwards whether this process dies.
    this.#forgetUncaught = onUncaught((error) => this.#dying(error));
  }

  /** How many tasks run now. */
  get running(): number {
    return this.#running.size;
  }

  /** How many have been begun since the start. */
  get begun(): number {
    return this.#begun;
  }

  /** Reports an uncaught error to the clients of the running tasks, in case this process dies of it. */
  #dying(error: unknown): void {
    for (const task of this.#running) {
      sendDying(error, (description) => this.#send(task, layout.DYING, description));
      this.#channel(task)?.flush();
    }
  }

  /** Begins no more tasks; resolves when the running ones have been answered. Messages not received yet stay in their channel. */
  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#retire();
    }
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#forgetUncaught();
  }

  sourceOf(asker: number): number {
    return this.#options.sources?.[asker] ?? asker;
  }

  progress(task: RunningTask, report: unknown): boolean {
    if (!this.#running.has(task) || !(this.#channel(task)?.writable ?? false)) return false;
    this.#send(task, layout.PROGRESS, report);
    this.#channel(task)?.flush();
    return true;
  }

  finish(task: RunningTask, value: unknown): void {
    this.#send(task, layout.FINISH, value);
    this.#channel(task)?.flush();
  }

  /** Whether a task that arrived now would begin at once. */
  get hasCapacity(): boolean {
    return this.#running.size + this.#waiting.length - this.#first < this.#concurrency;
  }

  /** Resolves when there is a free slot; another task may have taken it by the time the caller continues. */
  async capacity(): Promise<void> {
    while (!this.hasCapacity) await new Promise<void>((resolve) => this.#capacityWaiters.push(resolve));
  }

  /** Sets the listener that is called when a task has arrived that leaves no free slot. */
  onFull(listener: () => void): void {
    this.#onFull = listener;
  }

  /**
   * Accepts a message of the channel `source`; answers go to that channel. With -1 the task runs without a claim and is not
   * answered. `queued`: the message comes from a system queue.
   */
  take(source: number, message: TaskMessage, queued = false): void {
    if (message.kind === layout.TASK) {
      if (source >= 0 && !this.#isClaimOfOurs(message.slot))
        return this.#invalidMessage(source, message, queued);
      this.#waiting.push(new RunningTask(this, source, message));
      if (!this.hasCapacity) this.#onFull();
      // After the other messages of this turn.
      if (!this.#pumpScheduled) {
        this.#pumpScheduled = true;
        queueMicrotask(this.#pumpNow);
      }
      return;
    }
    if (message.kind !== layout.ABORT && message.kind !== layout.CREDIT)
      return this.#invalidMessage(source, message, queued);
    for (const task of this.#running) {
      if (task.asker !== source || task.incarnation !== message.incarnation || task.id !== message.id)
        continue;
      if (message.kind === layout.ABORT) task.abort(message.broken ?? reviveThrown(message.value as Thrown));
      else if (message.kind === layout.CREDIT) {
        task.credit += message.number;
        task.wake?.();
      }
    }
  }

  /** A client has claims for each worker, and after those some that any worker may begin (task-board.ts). */
  #isClaimOfOurs(slot: number): boolean {
    const { worker, workers } = this.#options.claims;
    const queue = Math.floor(slot / SLOTS_PER_QUEUE);
    return queue === worker || queue === workers;
  }

  #invalidMessage(source: number, { kind, slot }: TaskMessage, queued: boolean): void {
    const message = `Task worker ${this.#options.claims.worker} received a message of kind ${kind} about claim ${slot}, which it cannot handle.`;
    this.#options.onInvalidMessage?.(
      queued ? -1 : source,
      new TaskError('ERR_MILLRACE_TASK_CORRUPT', message),
    );
  }

  /** Begins waiting tasks while slots are free. */
  #pump(): void {
    // A synchronous handler ends before `#begin` returns: no task begins inside of another.
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#stopped && this.#running.size < this.#concurrency && this.#first < this.#waiting.length) {
      const task = this.#waiting[this.#first] as RunningTask;
      this.#waiting[this.#first++] = undefined;
      if (this.#claim(task)) this.#begin(task);
      else this.#skip(task);
    }
    this.#pumping = false;
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    }
  }

  /** The task has been taken back: rings for the answers that waited for it. */
  #skip({ asker: source }: RunningTask): void {
    this.#options.channels[source]?.flush();
    for (const resolve of this.#capacityWaiters.splice(0)) resolve();
  }

  /** False when the client has taken the task back. */
  #claim({ asker: source, slot, sequence }: RunningTask): boolean {
    const { tables, worker } = this.#options.claims;
    // Left in a queue by an earlier run, or put there by another program: it cannot be taken back.
    if (source < 0) return true;
    return (tables[source] as ClaimTable).begin(slot, sequence, worker);
  }

  #begin(task: RunningTask): void {
    this.#begun++;
    this.#running.add(task);
    this.#options.onLoad?.(this.#running.size);
    task.startedAt = performance.now();
    this.#options.onBegin?.(task.name, task.startedAt);
    let result: unknown;
    try {
      if (task.broken !== undefined) throw task.broken;
      const handler = this.#options.handler(task.name);
      if (handler === undefined)
        throw new TaskError('ERR_MILLRACE_UNKNOWN_TASK', `There is no task named '${task.name}'.`);
      result = handler(task.value, task);
    } catch (error) {
      return this.#end(task, layout.THROWN, error);
    }
    if (isStream(result)) result = this.#stream(task, result);
    else if (!isThenable(result)) return this.#end(task, layout.DONE, result);
    Promise.resolve(result).then(
      (value) => this.#ended(task, layout.DONE, value),
      (error) => this.#ended(task, layout.THROWN, error),
    );
  }

  /** An asynchronous task has ended: another may begin. */
  #ended(task: RunningTask, kind: number, value: unknown): void {
    if (kind === layout.DONE && isStream(value)) {
      this.#stream(task, value).then(
        (result) => this.#ended(task, layout.DONE, result),
        (error) => this.#ended(task, layout.THROWN, error),
      );
      return;
    }
    this.#end(task, kind, value);
    this.#pump();
  }

  #end(task: RunningTask, kind: number, value: unknown): void {
    const now = performance.now();
    const microseconds = (now - task.startedAt) * MICROSECONDS;
    this.#estimates.observe(task.name, microseconds);
    this.#running.delete(task);
    this.#options.onLoad?.(this.#running.size);
    if (task.asker < 0 && kind === layout.THROWN) this.#options.onOrphanFailed?.(value, task.name);
    try {
      if (kind === layout.THROWN) this.#send(task, kind, describeThrown(value), microseconds);
      else {
        const wanted = task.flags & layout.SILENT ? undefined : value;
        if (task.flags & layout.STREAM && wanted !== undefined) this.#send(task, layout.ITEM, wanted);
        this.#send(task, kind, wanted, microseconds);
      }
    } catch (error) {
      this.#options.onUnsendable(error, task.name);
      const instead = kind === layout.THROWN ? describePlainly(value) : describeRefusal(error);
      this.#sendInstead(task, instead, microseconds);
    }
    this.#ringFor(task, now);
    if (this.#capacityWaiters.length > 0) for (const resolve of this.#capacityWaiters.splice(0)) resolve();
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#options.onDone?.(this.#begun);
  }

  /** Sends a smaller answer in place of one that could not be sent; if `taskTmpdir` has no room for that either, the reason. */
  #sendInstead(task: RunningTask, thrown: Thrown, microseconds: number): void {
    try {
      this.#send(task, layout.THROWN, thrown, microseconds);
    } catch (error) {
      this.#send(task, layout.THROWN, describeRefusal(error), microseconds);
    }
  }

  /** Rings the client of an answered task, or leaves that to the next task. */
  #ringFor(task: RunningTask, now: number): void {
    const next = this.#pumping && !this.#stopped ? this.#waiting[this.#first] : undefined;
    // An answer that is still in this process would be lost with it, and the client would report a task that has run as died.
    const safe = this.#channel(task)?.queuedBytes === 0;
    if (safe && next?.asker === task.asker && this.#estimates.get(next.name) <= QUICK) {
      this.#unrungSince = Math.min(this.#unrungSince, now);
      if ((now - this.#unrungSince) * MICROSECONDS < QUICK) return;
    }
    this.#unrungSince = Number.POSITIVE_INFINITY;
    this.#channel(task)?.flush();
  }

  /** Sends each result as it comes. */
  #stream(task: RunningTask, stream: Stream): Promise<undefined> {
    return sendStream(task, stream, (value) => {
      this.#send(task, layout.ITEM, value);
      this.#channel(task)?.flush();
    });
  }

  /** Answers the client of a task, where it has one. */
  #send(task: RunningTask, kind: number, value: unknown, number = 0): void {
    const channel = this.#channel(task);
    if (channel === undefined) return;
    const reply = this.#reply;
    reply.kind = kind;
    reply.incarnation = task.incarnation;
    reply.id = task.id;
    reply.slot = task.slot;
    reply.sequence = task.sequence;
    reply.number = number;
    reply.value = value;
    try {
      channel.send(reply);
    } finally {
      reply.value = undefined;
    }
  }

  #channel({ asker: source }: RunningTask): RunnerChannel | undefined {
    return this.#options.channels[source];
  }

  /** Announces to the clients that nothing more begins here: they take back what waits.*/
  #retire(): void {
    for (const channel of this.#options.channels) {
      this.#reply.kind = layout.RETIRING;
      channel.send(this.#reply);
      channel.flush();
    }
  }
}
