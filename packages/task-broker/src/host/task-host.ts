import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTime } from '@millrace/channel/internal';
import { TaskError, type TaskPoolEvents } from '@millrace/task-pool';
import type { HostBroker, TaskEngine } from '../engine/engine.js';
import type { Claim, Reply, Settlement } from '../engine/task.js';
import { BrokerError } from '../errors.js';
import { Bodies, isThrown } from '../wire/bodies.js';
import { type HostStats, REPORT_EVERY_MS } from './host-options.js';
import type { HostPool } from './host-pool.js';
import { RunningClaim } from './running-claim.js';
import { type Slot, Slots } from './slot.js';
import { callOf } from './task-call.js';

/** Codes of a local pool that tell of a process, and not of the task. */
const DEATHS: ReadonlySet<string> = new Set(['ERR_MILLRACE_TASK_WORKER_DIED', 'ERR_MILLRACE_TASK_CORRUPT']);

/** That of a local pool without a process: it has not begun the task. */
const NO_PROCESS = 'ERR_MILLRACE_TASK_POOL_FAILED';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export interface TaskHostParts {
  readonly engine: TaskEngine;
  readonly valueLimit: number;
  readonly pool: HostPool;
  /** Tasks that a task process begins at once. */
  readonly concurrency: number;
}

export interface TaskHostEvents extends Omit<TaskPoolEvents, 'drain'> {
  /** No task process is left, and none is started: the host has given its claims to others, and claims nothing more. Close it. */
  failed: [error: TaskError];
  connected: [];
  /** The connection to the engine is lost, and is made again with back-off. */
  away: [error: Error];
  /** The engine has refused what it should not; it is asked again. */
  trouble: [error: Error];
  /** The claim of another host was not renewed: its task is free again. */
  stalled: [id: string];
}

/**
 * Runs the tasks of an engine in the task processes of this machine.
 *
 * Notes. This process holds the claims and the connection, and runs no code of the tasks: one that blocks its process neither
 * loses its claim nor holds the others up. As many tasks are claimed as the task processes that are there begin at once. A claim ends with its settlement; the
 * answer goes to the caller behind that, and only where the engine has taken it, so that a host which lost the claim answers nobody.
 */
export class TaskHost extends EventEmitter<TaskHostEvents> implements AsyncDisposable {
  readonly #broker: HostBroker;
  readonly #pool: HostPool;
  readonly #bodies: Bodies;
  readonly #running = new Map<string, RunningClaim>();
  readonly #slots: Slots;
  #loops: Promise<void>[] = [];
  #renewal: NodeJS.Timeout | undefined;
  #reports: NodeJS.Timeout | undefined;
  #renewing = false;
  readonly #ready: Promise<void>;
  #connected = false;
  #settled = 0;
  #lost = 0;
  #again = 0;
  #cancelled = 0;
  #stalled = 0;
  #failure: TaskError | undefined;
  #closing: Promise<void> | undefined;
  /** The time to end in order is over. */
  #given = false;

  /** @internal `serveTasks` and `openHost` make them. */
  constructor({ engine, valueLimit, pool, concurrency }: TaskHostParts) {
    super();
    this.#broker = engine.host();
    this.#bodies = new Bodies({ limit: valueLimit, store: undefined });
    this.#pool = pool;
    this.#slots = new Slots(pool.places, concurrency);
    pool.onFailed((error) => void this.#fail(error));
    pool.forward((name, ...args) => this.emit(name, ...(args as never)));
    pool.watch(
      (worker) => this.#slots.ready(worker),
      (worker) => {
        this.#slots.ended(worker);
        if (this.#slots.vacant) this.#giveBack();
      },
    );
    this.#ready = this.#start();
    this.#ready.catch(() => {});
  }

  /** Resolves when the task processes are ready and the engine is connected. */
  ready(): Promise<void> {
    return this.#ready;
  }

  stats(): HostStats {
    const { workers, utilisation } = this.#pool.stats();
    return {
      address: this.#broker.address,
      connected: this.#connected,
      running: this.#running.size,
      slots: this.#slots.open,
      failed: this.#failure !== undefined,
      settled: this.#settled,
      lost: this.#lost,
      again: this.#again,
      cancelled: this.#cancelled,
      stalled: this.#stalled,
      utilisation,
      workers,
    };
  }

  /** Claims no more, lets what runs end for `timeout` milliseconds, gives the rest to other hosts, and ends. */
  close({ timeout = Number.POSITIVE_INFINITY }: { readonly timeout?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    await this.#pool.ready();
    await this.#broker.open({
      connected: () => {
        this.#connected = true;
        this.emit('connected');
      },
      away: (error) => {
        this.#connected = false;
        if (this.#closing === undefined) this.emit('away', error);
      },
      cancelled: (id) => this.#cancel(id),
      credited: (id, total) => this.#running.get(id)?.credited(total),
      stalled: (id) => {
        this.#stalled++;
        this.emit('stalled', id);
      },
    });
    if (this.#closing !== undefined) return;
    this.#renewal = setInterval(() => void this.#renew(), this.#broker.renewEvery);
    this.#reports = setInterval(() => void this.#report(), REPORT_EVERY_MS);
    void this.#report();
    this.#loops = this.#slots.all.map((slot) => this.#fill(slot));
  }

  /** Runs one task after the other. */
  async #fill(slot: Slot): Promise<void> {
    for (let claim: Claim | undefined; ; ) {
      // Also when nothing more is wanted: a task may be under way to here already.
      claim ??= await this.#persist(() => this.#broker.claim(slot.signal));
      if (claim !== undefined) claim = await this.#serve(claim, slot);
      else if (this.#slots.closed) return;
      else await slot.whenOpened();
    }
  }

  /** Without a task process: what is claimed is not begun here, and goes to other hosts. */
  async #fail(error: TaskError): Promise<void> {
    if (this.#closing !== undefined) return;
    this.#failure = error;
    this.#slots.close();
    // Before the first claim it is `ready` that tells.
    if (!(await this.#ready.then(yes, no))) return;
    await Promise.all(this.#loops);
    void this.#report();
    this.emit('failed', error);
  }

  /**
   * What waits here for a task process goes to other hosts. Where processes die more quickly than they start it would stay with the one
   * whose processes do, its claim renewed. What has begun has ended with its process.
   */
  #giveBack(): void {
    for (const running of this.#running.values())
      if (!running.settling)
        running.abort('vacant', new DOMException('This host has no task process.', 'AbortError'));
  }

  /** Runs a claimed task to its end; resolves with the next claim, where the settlement gave one. */
  async #serve(claim: Claim, slot: Slot): Promise<Claim | undefined> {
    const running = new RunningClaim(claim);
    this.#running.set(claim.id, running);
    try {
      const settlement = (await this.#refusal(claim)) ?? (await this.#run(running));
      return await this.#settle(running, settlement, slot);
    } finally {
      // The same task may have been lost and claimed again meanwhile.
      if (this.#running.get(claim.id) === running) this.#running.delete(claim.id);
    }
  }

  async #settle(running: RunningClaim, settlement: Settlement, slot: Slot): Promise<Claim | undefined> {
    if (running.abortedFor === 'lost') return undefined;
    const { claim } = running;
    running.settling = true;
    const another = () => !slot.signal.aborted;
    const answer = this.#answer(running, settlement);
    const settled = await this.#persist(() => this.#broker.settle(claim, settlement, another(), answer));
    if (settled === undefined) return undefined;
    if (!settled.held) this.#lost++;
    else if (settlement.kind === 'again' || settlement.kind === 'unbegun') this.#again++;
    else this.#settled++;
    return settled.next;
  }

  /** Asks the engine again, with back-off, when it refuses what it should not: it is out of memory, or loading. Undefined: the host ends. */
  async #persist<T>(ask: () => Promise<T>): Promise<T | undefined> {
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(2 * delay, LAST_RETRY_MS)) {
      try {
        return await ask();
      } catch (error) {
        if (this.#given) return undefined;
        // Of an engine that is away `away` tells.
        if (!isAway(error)) this.emit('trouble', error as Error);
      }
      await sleep(delay);
    }
  }

  /** Why a claimed task is not begun. */
  async #refusal(claim: Claim): Promise<Settlement | undefined> {
    const { attempt, retries, expiresAt, name } = claim;
    if (this.#slots.vacant) return { kind: 'unbegun' };
    if (expiresAt !== undefined && expiresAt <= this.#broker.now())
      return this.#thrown(
        new TaskError('ERR_MILLRACE_TASK_TIMEOUT', `Task '${name}' waited beyond its time-out.`),
      );
    if (attempt <= retries + 1) return undefined;
    const message =
      `What ran task '${name}' was lost in attempt ${attempt - 1}: its host ended, ` +
      'or was cut off from the engine for too long to keep it.';
    return this.#thrown(new TaskError('ERR_MILLRACE_TASK_WORKER_DIED', message));
  }

  async #run(running: RunningClaim): Promise<Settlement> {
    try {
      const body = running.claim.stream ? await this.#stream(running) : await this.#once(running);
      if (!isThrown(body)) return { kind: 'done', body };
      return { kind: 'thrown', body, message: this.#messageOf(body) };
    } catch (error) {
      return this.#failed(running, error);
    }
  }

  #once(running: RunningClaim): Promise<Uint8Array> {
    const { claim } = running;
    return this.#pool.run(claim.name, callOf(claim), this.#options(running)) as Promise<Uint8Array>;
  }

  /** Sends the results as the caller takes them; resolves with their number, or with what was thrown. */
  async #stream(running: RunningClaim): Promise<Uint8Array> {
    const { claim } = running;
    for await (const item of this.#pool.stream(claim.name, callOf(claim), this.#options(running))) {
      const body = item as Uint8Array;
      if (isThrown(body)) return body;
      await running.mayExceed(running.sent);
      if (claim.replyTo !== undefined)
        await this.#broker.reply(claim, this.#reply(running, 'item', body, running.sent));
      running.sent++;
    }
    return this.#bodies.value(running.sent);
  }

  #options(running: RunningClaim) {
    const { claim, signal } = running;
    if (claim.replyTo === undefined) return { signal };
    const onProgress = (report: unknown) =>
      void this.#broker.progress(claim, this.#reply(running, 'progress', report as Uint8Array));
    return { signal, onProgress };
  }

  /** The local pool has no answer: the process died, or the task was aborted. */
  async #failed(running: RunningClaim, error: unknown): Promise<Settlement> {
    const { claim, abortedFor } = running;
    const message = error instanceof Error ? error.message : String(error);
    if (abortedFor === 'closed') return { kind: 'again', message };
    if (error instanceof TaskError && error.code === NO_PROCESS) return { kind: 'unbegun' };
    const died = error instanceof TaskError && DEATHS.has(error.code);
    if (abortedFor === 'vacant' && !died) return { kind: 'unbegun' };
    const isWanted = abortedFor === undefined || abortedFor === 'vacant';
    // The caller of a stream has results of this attempt: there must be no second one.
    if (died && isWanted && claim.attempt <= claim.retries && running.sent === 0)
      return { kind: 'again', message };
    return this.#thrown(error);
  }

  async #thrown(error: unknown): Promise<Settlement> {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'thrown', body: await this.#bodies.thrown(error), message };
  }

  #messageOf(body: Uint8Array): string {
    const answer = this.#bodies.decode(body);
    if (answer instanceof Promise) {
      // It lies in the user's store: nothing of it is known here.
      answer.catch(() => {});
      return 'The error is in the store of large values.';
    }
    const thrown = 'thrown' in answer ? answer.thrown : undefined;
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  }

  #answer(running: RunningClaim, settlement: Settlement): Reply | undefined {
    const hasAnswer = settlement.kind === 'done' || settlement.kind === 'thrown';
    if (!hasAnswer || running.claim.replyTo === undefined) return undefined;
    return this.#reply(running, settlement.kind, settlement.body);
  }

  #reply({ claim, startedAt }: RunningClaim, kind: Reply['kind'], body: Uint8Array, sequence = 0): Reply {
    const { id, attempt } = claim;
    return {
      id,
      kind,
      attempt,
      host: this.#broker.address,
      sequence,
      ran: performance.now() - startedAt,
      body,
    };
  }

  #cancel(id: string): void {
    const running = this.#running.get(id);
    if (running === undefined || running.abortedFor !== undefined) return;
    this.#cancelled++;
    running.abort('cancelled', new DOMException('The caller wants its answer no more.', 'AbortError'));
  }

  async #renew(): Promise<void> {
    if (this.#renewing || this.#running.size === 0) return;
    this.#renewing = true;
    try {
      const { lost, cancelled } = await this.#broker.renew(
        [...this.#running.values()].map(({ claim }) => claim),
      );
      for (const { id } of lost) {
        const running = this.#running.get(id);
        if (running === undefined || running.settling) continue;
        this.#lost++;
        running.abort(
          'lost',
          new DOMException('Another host has the task: this one was cut off.', 'AbortError'),
        );
      }
      for (const { id } of cancelled) this.#cancel(id);
    } catch {
      // The engine is away, as `away` says. Claims that it gives to others meanwhile are found lost at the next renewal.
    } finally {
      this.#renewing = false;
    }
  }

  async #report(): Promise<void> {
    const report = {
      running: this.#running.size,
      slots: this.#slots.open,
      settled: this.#settled,
      lost: this.#lost,
    };
    // A report that the engine does not get is followed by the next.
    await this.#broker.report(report).catch(() => {});
  }

  async #close(timeout: number): Promise<void> {
    this.#slots.close();
    await this.#ready.catch(() => {});
    clearInterval(this.#reports);
    const areDone = await inTime(Promise.all(this.#loops).then(yes), timeout);
    this.#given = true;
    for (const running of this.#running.values())
      running.abort(
        'closed',
        new DOMException('The host ends: the task is run again elsewhere.', 'AbortError'),
      );
    await Promise.all(this.#loops);
    clearInterval(this.#renewal);
    await this.#broker.close();
    // What has not ended in time may go on, though its signal is aborted.
    if (areDone) await this.#pool.close();
    else await this.#pool.destroy();
  }
}

function isAway(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_MILLRACE_TASK_ENGINE_AWAY';
}

const yes = () => true;
const no = () => false;
