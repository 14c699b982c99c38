import { SLOTS_PER_LANE } from '../claims/claim-layout.js';
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
import { onUncaught, sayDying } from './uncaught.js';

const MICROSECONDS = 1_000;
/** Microseconds that a task may be expected to take and answers before it to wait for it, and how long they do at most. */
const QUICK = 100;

/**
 * Runs the tasks that arrive in a task worker, in the order of their arrival.
 *
 * Notes. What arrives beyond `concurrency` waits here, and its asker may take it back as long as it has not begun. An
 * answer is out of this process before the next task begins, so that a death costs the tasks that run and no other. Where
 * that takes no ringing (a ring in shared memory), the asker is not rung when the next task is the same asker's and its
 * like have been quick, but for both. Should it turn out slow, the asker finds the answer by itself,
 * which looks each millisecond while a task of its own has not begun (patience.ts).
 */
export class TaskRunner implements RunningTaskHost {
  readonly #options: TaskRunnerOptions;
  readonly #concurrency: number;
  readonly #reply = new TaskMessage();
  /** Taken from the channels and not begun, oldest first; those before `first` are gone. */
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
  /** When the first of the answers was sent that nobody has been rung for. */
  #unrungSince = Number.POSITIVE_INFINITY;
  #stopped = false;
  #forgetUncaught: () => void = () => {};
  /** Resolved when a task has ended. */
  #places: (() => void)[] = [];
  /** Called when there is a place for none. */
  #onFull: () => void = () => {};
  /** Resolved when nothing runs any more. */
  #idle: (() => void)[] = [];

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 1;
  }

  /** Takes and runs tasks from here on, until `stop`. */
  start(): void {
    for (const [source, channel] of this.#options.channels.entries())
      channel.on('message', (message) => this.take(source, message));
    // Changes nothing of what becomes of this process: Node, or a handler of the program's, decides that afterwards.
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

  /** Whoever waits for what runs here is told why it has no answer, should this process end of it. */
  #dying(error: unknown): void {
    for (const task of this.#running) {
      sayDying(error, (description) => this.#send(task, layout.DYING, description));
      this.#channel(task)?.flush();
    }
  }

  /** Begins no more tasks; resolves when those that run have been answered. What was not taken stays in its channel. */
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

  /** Whether a task that came now would begin at once. */
  get hasPlace(): boolean {
    return this.#running.size + this.#waiting.length - this.#first < this.#concurrency;
  }

  /** Resolves when there is a place; somebody else may have it by the time that is heard. */
  async place(): Promise<void> {
    while (!this.hasPlace) await new Promise<void>((resolve) => this.#places.push(resolve));
  }

  /** Calls `listener` whenever a task has come after which there is no place for another. */
  onFull(listener: () => void): void {
    this.#onFull = listener;
  }

  /**
   * Takes a message, of the channel `source` or from anywhere else; answers go to that channel. Where there is none, -1,
   * it is run without a claim, and nobody is answered. `queued`: it was in a queue.
   */
  take(source: number, message: TaskMessage, queued = false): void {
    if (message.kind === layout.TASK) {
      if (source >= 0 && !this.#isClaimOfOurs(message.slot)) return this.#nonsense(source, message, queued);
      this.#waiting.push(new RunningTask(this, source, message));
      if (!this.hasPlace) this.#onFull();
      // After whatever else has arrived.
      if (!this.#pumpScheduled) {
        this.#pumpScheduled = true;
        queueMicrotask(this.#pumpNow);
      }
      return;
    }
    if (message.kind !== layout.ABORT && message.kind !== layout.CREDIT)
      return this.#nonsense(source, message, queued);
    for (const task of this.#running) {
      if (task.asker !== source || task.owner !== message.owner || task.id !== message.id) continue;
      if (message.kind === layout.ABORT) task.abort(message.broken ?? reviveThrown(message.value as Thrown));
      else if (message.kind === layout.CREDIT) {
        task.credit += message.number;
        task.wake?.();
      }
    }
  }

  /** Askers have claims for each worker, and after those some for what any may begin (task-board.ts). */
  #isClaimOfOurs(slot: number): boolean {
    const { worker, workers } = this.#options.claims;
    const lane = Math.floor(slot / SLOTS_PER_LANE);
    return lane === worker || lane === workers;
  }

  #nonsense(source: number, { kind, slot }: TaskMessage, queued: boolean): void {
    const message = `A message of kind ${kind} about claim ${slot} says nothing to task worker ${this.#options.claims.worker}.`;
    this.#options.onNonsense?.(queued ? -1 : source, new TaskError('ERR_MILLRACE_TASK_CORRUPT', message));
  }

  /** Begins what waits, as long as it may. */
  #pump(): void {
    // A handler that gives its result at once is done before `#begin` returns: no task begins inside of another.
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

  /** It has been taken back: what was left to it is done without it. */
  #skip({ asker: source }: RunningTask): void {
    this.#options.channels[source]?.flush();
    for (const resolve of this.#places.splice(0)) resolve();
  }

  /** False when the asker has taken it back. */
  #claim({ asker: source, slot, sequence }: RunningTask): boolean {
    const { tables, worker } = this.#options.claims;
    // Left in a queue by an earlier run, or put there by another program: nobody can take it back.
    if (source < 0) return true;
    return (tables[source] as ClaimTable).begin(slot, sequence, worker);
  }

  #begin(task: RunningTask): void {
    this.#begun++;
    this.#running.add(task);
    this.#options.onLoad?.(this.#running.size);
    task.startedAt = performance.now();
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

  /** The end of a task that took its time: there is room for another. */
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
    if (this.#places.length > 0) for (const resolve of this.#places.splice(0)) resolve();
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#options.onDone?.(this.#begun);
  }

  /** Answers with less than was to be said; where that is still too much for a full `taskTmpdir`, with the reason for it. */
  #sendInstead(task: RunningTask, thrown: Thrown, microseconds: number): void {
    try {
      this.#send(task, layout.THROWN, thrown, microseconds);
    } catch (error) {
      this.#send(task, layout.THROWN, describeRefusal(error), microseconds);
    }
  }

  /** Rings the asker of a task that has been answered, or leaves that to the next one. */
  #ringFor(task: RunningTask, now: number): void {
    const next = this.#pumping && !this.#stopped ? this.#waiting[this.#first] : undefined;
    // What is still in this process would die with it: the task has been run, and its caller must not hear otherwise.
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

  /** Answers the asker of a task; one that nobody can answer is left alone. */
  #send(task: RunningTask, kind: number, value: unknown, number = 0): void {
    const channel = this.#channel(task);
    if (channel === undefined) return;
    const reply = this.#reply;
    reply.kind = kind;
    reply.owner = task.owner;
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

  /** Tells the askers that nothing more is begun here: they take back what waits. */
  #retire(): void {
    for (const channel of this.#options.channels) {
      this.#reply.kind = layout.RETIRING;
      channel.send(this.#reply);
      channel.flush();
    }
  }
}
