import { randomBytes } from 'node:crypto';
import { TaskError } from '@millrace/task-pool';
import {
  type Job,
  type JobDispatcher,
  type RunOptions,
  SILENT,
  STATES,
  STREAM,
  STREAM_WINDOW,
  Statistics,
} from '@millrace/task-pool/internal';
import type { CallerBroker } from '../engine/engine.js';
import type { EngineTask, Fate, Reply } from '../engine/task.js';
import { BrokerError } from '../errors.js';
import type { Answer } from '../wire/bodies.js';
import { Awaited } from './awaited.js';
import { away, forgotten, gaveUp, resultsLost } from './broker-failures.js';
import { type CallerOptions, JOINED_EVERY_MS, LOOK_UP_BATCH, MOST_SENT } from './caller-options.js';
import { RemoteStatistics } from './remote-statistics.js';

/**
 * Brings tasks to an engine, and gives their callers what comes back.
 *
 * Notes. An answer comes by a reply or, where that is lost, is looked up: what was not heard of for `sweepEvery`, and everything
 * after a reconnection. Whichever is first settles the task, and what comes later is dropped and counted. A task stays here until
 * the engine has acknowledged it, and is enqueued again under its id when the connection was lost in between: the engine keeps one.
 */
export class RemoteDispatcher implements JobDispatcher {
  readonly statistics = new Statistics();
  readonly remote = new RemoteStatistics();
  readonly #broker: CallerBroker;
  readonly #options: CallerOptions;
  readonly #moved: () => void;
  readonly #prefix = randomBytes(9).toString('base64url');
  /** Those that wait for the connection, oldest first. */
  #queue: Awaited[] = [];
  #sent = 0;
  /** Encoding, waiting or sent. */
  #unacknowledged = 0;
  readonly #byJob = new Map<Job, Awaited>();
  /** By the id in the engine: one, but for tasks of one `idempotencyKey`. */
  readonly #byId = new Map<string, Awaited[]>();
  #joined = 0;
  #sweep: NodeJS.Timeout | undefined;
  #joinedSweep: NodeJS.Timeout | undefined;
  #sweeping = false;
  #awayError: Error | undefined;
  #everConnected = false;
  #closed = false;

  constructor(broker: CallerBroker, options: CallerOptions, moved: () => void) {
    this.#broker = broker;
    this.#options = options;
    this.#moved = moved;
    this.#sweep = setInterval(() => this.#tick(), options.sweepEvery);
    // The pool keeps its process alive, or does not.
    this.#sweep.unref();
  }

  get waiting(): number {
    return this.#unacknowledged;
  }

  get running(): number {
    return this.#byJob.size - this.#unacknowledged;
  }

  refusal({ worker, priority = 0 }: RunOptions): Error | undefined {
    if (worker !== undefined) {
      const message = `Tasks of an engine go to any host: 'worker' cannot be ${worker}.`;
      return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
    }
    const { engine } = this.#options;
    if (priority !== 0 && engine.lacks.includes('priority')) {
      const message = `${engine.name} has no priorities: 'priority' cannot be ${priority}.`;
      return new TaskError('ERR_MILLRACE_TASK_OPTION', message);
    }
    if (this.remote.connected || !this.#everConnected || this.#options.whenFull === 'wait') return undefined;
    return away(this.#awayError);
  }

  submit(job: Job): void {
    this.statistics.publish(STATES.queued, job);
    const awaited = new Awaited(job, `${this.#prefix}-${job.id}`, STREAM_WINDOW);
    this.#byJob.set(job, awaited);
    this.#unacknowledged++;
    let body: Buffer | Promise<Buffer>;
    try {
      body = this.#options.bodies.value(job.value);
    } catch (error) {
      return this.#fail(awaited, error);
    }
    if (Buffer.isBuffer(body)) return this.#encoded(awaited, body);
    body.then(
      (bytes) => this.#encoded(awaited, bytes),
      (error) => this.#fail(awaited, error),
    );
  }

  giveUp(job: Job, error: unknown): void {
    const awaited = this.#byJob.get(job);
    if (job.settled) return;
    if (awaited === undefined) {
      // Not submitted yet: it waits for room.
      this.#count(job, error);
      return this.#moved();
    }
    awaited.givenUp = true;
    // Of a key others may wait for the same task.
    if (
      (awaited.state === 'sent' || awaited.state === 'accepted') &&
      job.options.idempotencyKey === undefined
    )
      this.#cancel(awaited.id);
    this.#fail(awaited, error);
  }

  credit(job: Job, count: number): void {
    const awaited = this.#byJob.get(job);
    if (awaited === undefined) return;
    awaited.credit += count;
    this.#sendCredit(awaited);
  }

  close(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#joinedSweep);
    for (const { job } of [...this.#byJob.values()]) this.giveUp(job, error);
  }

  connected(): void {
    this.#everConnected = true;
    this.remote.connected = true;
    this.#flush();
    for (const awaited of this.#byJob.values()) if (awaited.host !== '') this.#sendCredit(awaited);
    this.#look(0);
  }

  away(error: Error): void {
    this.remote.connected = false;
    if (this.#everConnected) this.remote.disconnects++;
    this.#awayError = error;
  }

  replied(reply: Reply): void {
    const found = this.#byId.get(reply.id);
    if (found === undefined) {
      if (reply.kind === 'done' || reply.kind === 'thrown') this.statistics.late++;
      return;
    }
    for (const awaited of [...found]) {
      awaited.heardAt = performance.now();
      if (reply.kind === 'progress') this.#report(awaited, reply.body);
      else if (reply.kind === 'item') this.#item(awaited, reply);
      else this.#answered(awaited, reply.body, reply.attempt, reply.ran);
    }
  }

  #encoded(awaited: Awaited, body: Buffer): void {
    const { job } = awaited;
    if (job.settled) return;
    const { timeout, delay = 0, idempotencyKey } = job.options;
    const expires = timeout !== undefined && Number.isFinite(timeout);
    awaited.task = {
      id: awaited.id,
      number: job.id,
      name: job.name,
      body,
      replyTo: job.flags & SILENT ? undefined : this.#broker.address,
      retries: job.retries,
      earlierAttempts: 0,
      stream: (job.flags & STREAM) !== 0,
      // What it has waited here has passed.
      expiresAt: expires ? this.#broker.now() + timeout - (performance.now() - job.queuedAt) : undefined,
      priority: job.priority,
      delay,
      idempotencyKey,
    };
    this.#queueUp(awaited);
  }

  #queueUp(awaited: Awaited): void {
    awaited.state = 'waiting';
    this.#queue.push(awaited);
    this.#flush();
  }

  #flush(): void {
    if (!this.remote.connected || this.#closed) return;
    let taken = 0;
    for (const awaited of this.#queue) {
      if (this.#sent >= MOST_SENT) break;
      taken++;
      if (!awaited.job.settled) this.#send(awaited, awaited.task as EngineTask);
    }
    if (taken > 0) this.#queue.splice(0, taken);
  }

  #send(awaited: Awaited, task: EngineTask): void {
    awaited.state = 'sent';
    this.#sent++;
    // Its answer may overtake the acknowledgement.
    this.#listen(awaited, task.id);
    this.statistics.publish(STATES.sent, awaited.job);
    this.#broker.enqueue(task).then(
      (id) => {
        this.#sent--;
        this.#accepted(awaited, id);
        this.#flush();
      },
      (error: unknown) => {
        this.#sent--;
        this.#refused(awaited, error);
        this.#flush();
      },
    );
  }

  #accepted(awaited: Awaited, id: string): void {
    const { job } = awaited;
    if (job.settled) {
      // Its caller gave up meanwhile, before the engine could take the task back.
      if (awaited.givenUp && id === awaited.id) this.#cancel(id);
      return;
    }
    awaited.state = 'accepted';
    awaited.heardAt = performance.now();
    this.#unacknowledged--;
    if (job.retries === 0) awaited.task = undefined;
    if (id !== awaited.id) this.#join(awaited, id);
    if (job.flags & SILENT) this.#complete(awaited, undefined);
    this.#moved();
  }

  /** Its answer goes to whoever enqueued the task first: it is looked up. */
  #join(awaited: Awaited, id: string): void {
    this.#forget(awaited);
    awaited.id = id;
    awaited.joined = true;
    this.#joined++;
    this.#listen(awaited, id);
    this.#lookForJoined();
  }

  #lookForJoined(): void {
    if (this.#joinedSweep !== undefined || this.#closed) return;
    this.#joinedSweep = setTimeout(async () => {
      const joined = [...this.#byJob.values()].filter((awaited) => awaited.joined);
      await this.#lookUp(joined);
      this.#joinedSweep = undefined;
      if (this.#joined > 0) this.#lookForJoined();
    }, JOINED_EVERY_MS);
  }

  #refused(awaited: Awaited, error: unknown): void {
    if (awaited.job.settled) return;
    if (!(error instanceof BrokerError && error.code === 'ERR_MILLRACE_TASK_ENGINE_AWAY'))
      return this.#fail(awaited, error);
    // Whether the engine has it cannot be told. It is enqueued again, under its id.
    this.#awayError ??= error;
    awaited.state = 'waiting';
    this.#queue.unshift(awaited);
  }

  #item(awaited: Awaited, reply: Reply): void {
    const { job } = awaited;
    if (awaited.attempt === 0) {
      awaited.attempt = reply.attempt;
      awaited.host = reply.host;
      if (awaited.credit > STREAM_WINDOW) this.#sendCredit(awaited);
    }
    if (reply.attempt < awaited.attempt || reply.sequence < awaited.items) return;
    if (reply.attempt > awaited.attempt) {
      const message = `What ran task '${job.name}' was lost when its caller had ${awaited.items} of its results: they cannot be produced again.`;
      return this.giveUp(job, new TaskError('ERR_MILLRACE_TASK_WORKER_DIED', message));
    }
    if (reply.sequence > awaited.items) {
      return this.giveUp(job, resultsLost(job, awaited.items, reply.sequence));
    }
    awaited.items++;
    this.#inOrder(awaited, reply.body, (answer) => {
      if ('thrown' in answer) this.giveUp(job, answer.thrown);
      else job.listener.item?.(answer.value);
    });
  }

  #report(awaited: Awaited, body: Uint8Array): void {
    const answer = this.#decoded(body);
    if (!(answer instanceof Promise) && 'value' in answer) awaited.job.report(answer.value);
  }

  #answered(awaited: Awaited, body: Uint8Array, attempt: number, ran: number): void {
    const { job } = awaited;
    this.#forget(awaited);
    this.#inOrder(awaited, body, (answer) => {
      if (job.settled) return;
      if (job.flags & STREAM && 'value' in answer && answer.value !== awaited.items)
        return this.giveUp(job, resultsLost(job, awaited.items, Number(answer.value)));
      job.attempt = attempt;
      this.statistics.retried += attempt - 1;
      const latency = performance.now() - job.queuedAt;
      const waited = Math.max(0, latency - ran);
      this.remote.latency.record(latency);
      this.statistics.run.record(ran);
      this.statistics.wait.record(waited);
      this.#options.tally?.answered(job.name, waited, ran);
      if ('thrown' in answer) this.#fail(awaited, answer.thrown);
      else this.#complete(awaited, answer.value);
    });
  }

  /** Calls `give` with what a body says; after what was decoded before it. */
  #inOrder(awaited: Awaited, body: Uint8Array, give: (answer: Answer) => void): void {
    const answer = this.#decoded(body);
    if (awaited.decoding === undefined && !(answer instanceof Promise)) return give(answer);
    const after = awaited.decoding ?? Promise.resolve();
    const decoded = Promise.resolve(answer).catch((thrown: unknown): Answer => ({ thrown }));
    awaited.decoding = after.then(async () => give(await decoded));
  }

  /** Bytes that are no body are an answer like one that was thrown. */
  #decoded(body: Uint8Array): Answer | Promise<Answer> {
    try {
      return this.#options.bodies.decode(body);
    } catch (error) {
      return { thrown: error };
    }
  }

  #complete(awaited: Awaited, value: unknown): void {
    this.#leave(awaited);
    const { job } = awaited;
    this.statistics.completed++;
    this.statistics.publish(STATES.completed, job);
    job.settle();
    this.#options.tally?.completed(job.name);
    job.listener.done(value);
  }

  #fail(awaited: Awaited, error: unknown): void {
    if (awaited.job.settled) return;
    this.#leave(awaited);
    this.#count(awaited.job, error);
    this.#moved();
  }

  #count(job: Job, error: unknown): void {
    if (error instanceof TaskError && error.code === 'ERR_MILLRACE_TASK_WORKER_DIED') this.statistics.died++;
    this.statistics.failed++;
    this.statistics.publish(STATES.failed, job, error);
    job.settle();
    this.#options.tally?.failed(job.name, error);
    job.listener.failed(error);
  }

  #leave(awaited: Awaited): void {
    if (!this.#byJob.delete(awaited.job)) return;
    if (awaited.state !== 'accepted') this.#unacknowledged--;
    if (awaited.joined) this.#joined--;
    this.#forget(awaited);
  }

  #listen(awaited: Awaited, id: string): void {
    const found = this.#byId.get(id);
    if (found === undefined) this.#byId.set(id, [awaited]);
    else if (!found.includes(awaited)) found.push(awaited);
  }

  #forget(awaited: Awaited): void {
    const found = this.#byId.get(awaited.id);
    if (found === undefined) return;
    const rest = found.filter((other) => other !== awaited);
    if (rest.length === 0) this.#byId.delete(awaited.id);
    else this.#byId.set(awaited.id, rest);
  }

  #cancel(id: string): void {
    // While the engine is away there is nothing to say: the task expires, or its answer is dropped.
    this.#broker.cancel(id).catch(() => {});
  }

  #sendCredit({ host, id, credit }: Awaited): void {
    // Sent again when the connection is there again, and with the next results that are taken.
    if (host !== '') this.#broker.credit(host, id, credit).catch(() => {});
  }

  #tick(): void {
    this.#queue = this.#queue.filter(({ job }) => !job.settled);
    if (!this.remote.connected) return this.#refuseWaiting();
    this.#look(this.#options.sweepEvery);
    this.#broker.counts().then(
      (counts) => {
        this.remote.queue = counts;
      },
      () => {},
    );
  }

  /** Tasks that have waited for an engine that is away for as long as they may. */
  #refuseWaiting(): void {
    if (this.#options.whenFull === 'wait') return;
    const before = performance.now() - this.#options.connectTimeout;
    for (const awaited of [...this.#queue])
      if (!awaited.job.settled && awaited.job.queuedAt <= before) this.#fail(awaited, away(this.#awayError));
  }

  /** Looks up what was not heard of for so many milliseconds. */
  #look(silentFor: number): void {
    if (this.#sweeping) return;
    const before = performance.now() - silentFor;
    const silent: Awaited[] = [];
    for (const awaited of this.#byJob.values())
      if (awaited.state === 'accepted' && !awaited.joined && awaited.heardAt <= before) silent.push(awaited);
    if (silent.length === 0) return;
    this.#sweeping = true;
    void this.#lookUp(silent).finally(() => {
      this.#sweeping = false;
    });
  }

  async #lookUp(awaited: readonly Awaited[]): Promise<void> {
    for (let at = 0; at < awaited.length && !this.#closed; at += LOOK_UP_BATCH) {
      const batch = awaited.slice(at, at + LOOK_UP_BATCH);
      const asked = performance.now();
      try {
        const fates = await this.#broker.lookUp(batch.map(({ id }) => id));
        for (const [index, fate] of fates.entries()) this.#learned(batch[index] as Awaited, fate, asked);
      } catch {
        // The engine is away: everything is looked up when it is there again.
        return;
      }
    }
  }

  #learned(awaited: Awaited, fate: Fate, asked: number): void {
    const { job } = awaited;
    if (job.settled || !this.#byId.get(awaited.id)?.includes(awaited)) return;
    // A reply that came while the engine was asked says more than what it knew then.
    if (awaited.heardAt > asked && fate.kind !== 'done' && fate.kind !== 'thrown') return;
    awaited.heardAt = performance.now();
    if (fate.kind === 'pending') return;
    if (fate.kind === 'unknown') return this.#lost(awaited);
    if (fate.kind === 'failed') return this.#fail(awaited, gaveUp(job, fate.message));
    if (this.#resultsUnderWay(awaited)) return;
    if (!awaited.joined) this.remote.lookedUp++;
    this.#answered(awaited, fate.body, fate.attempt, 0);
  }

  /** A stream is over in the engine, and its results may still be under way to here: what has come since the last look says so. */
  #resultsUnderWay(awaited: Awaited): boolean {
    if (!(awaited.job.flags & STREAM)) return false;
    const moves = awaited.itemsAtLastLook !== awaited.items;
    awaited.itemsAtLastLook = awaited.items;
    return moves;
  }

  /** The engine knows nothing of it. With attempts left it is enqueued anew. */
  #lost(awaited: Awaited): void {
    const { job } = awaited;
    this.remote.lost++;
    if (awaited.task !== undefined && job.retries > 0 && awaited.items === 0) {
      job.retries--;
      this.#forget(awaited);
      awaited.earlierAttempts++;
      awaited.id = `${this.#prefix}-${job.id}-${awaited.earlierAttempts}`;
      awaited.task = {
        ...awaited.task,
        id: awaited.id,
        retries: job.retries,
        earlierAttempts: awaited.earlierAttempts,
        delay: 0,
      };
      this.#unacknowledged++;
      this.statistics.publish(STATES.retried, job);
      return this.#queueUp(awaited);
    }
    this.#fail(awaited, forgotten(job, awaited.id));
  }
}
