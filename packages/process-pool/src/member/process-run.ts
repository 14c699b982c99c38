import { Alarm } from '@millrace/channel/internal';
import type { ChildEnd, ChildHandle } from '../launch/child-handle.js';
import type { Exit } from '../launch/exit.js';
import { HaltWatch } from '../launch/halt-watch.js';
import {
  DEFAULT_DETACH_TIMEOUT_MS,
  DEFAULT_DRAIN_TIMEOUT_MS,
  DEFAULT_START_TIMEOUT_MS,
  type MemberSpec,
} from '../launch/spec.js';
import { setAffinity, setPriority } from '../system/scheduling.js';
import { type Assignment, HALT, type ToMember, type ToParent } from '../wire/protocol.js';
import { after, type MemberEvent, type MemberState } from './state.js';

export interface ProcessRunEvents {
  ready(run: ProcessRun): void;
  message(run: ProcessRun, message: ToMember): void;
  /** None of its threads runs any more; `ended` follows. Only where the spec asks for an `earlyRestart`. */
  halted(run: ProcessRun): void;
  ended(run: ProcessRun, exit: Exit): void;
}

export interface ProcessRunOptions {
  readonly spec: MemberSpec;
  /** Counts the processes of the member from 1. */
  readonly number: number;
  /** Milliseconds of being ready after which it counts as running. */
  readonly stableAfter: number;
  /** Descriptors of the pool, besides those of the spec. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Whether it waits with its assignment until {@link ProcessRun.begin}. */
  readonly waits: boolean;
}

/** One process under the name of a member, from its assignment to its end: its state and its deadlines. */
export class ProcessRun {
  readonly number: number;
  readonly child: ChildHandle;
  /** When it was assigned, or when it has begun where it waited before. */
  #assignedAt = performance.now();
  readonly #spec: MemberSpec;
  readonly #events: ProcessRunEvents;
  #state: MemberState = 'starting';
  #readyAt: number | undefined;
  #detached = false;
  #deadline: Alarm | undefined;
  #stable: Alarm | undefined;
  readonly #halt: HaltWatch | undefined;

  constructor(child: ChildHandle, options: ProcessRunOptions, events: ProcessRunEvents) {
    const { spec, number } = options;
    this.number = number;
    this.child = child;
    this.#spec = spec;
    this.#events = events;
    child.observe({
      message: (message) => this.#onMessage(message, options.stableAfter),
      ended: (end) => this.#ended(end),
    });
    if (!options.waits) this.#limitStart();
    if (child.isLoaded) this.#setScheduling();
    if (spec.earlyRestart && child.pid !== undefined)
      this.#halt = new HaltWatch(child.pid, () => this.#halted());
    const descriptors = {
      ...spec.descriptors,
      ...options.descriptors,
      ...(this.#halt && { [HALT]: this.#halt.descriptor }),
    };
    const assignment: Assignment = {
      name: spec.name,
      title: options.waits ? standbyTitle(spec) : titleOf(spec),
      standby: options.waits,
      incarnation: number,
      descriptors: Object.keys(descriptors),
      maxJobs: spec.maxJobs,
      endsByItself: spec.endsByItself ?? false,
      queue: spec.queue,
      data: spec.data,
    };
    child.assign(assignment, Object.values(descriptors), () => this.#halt?.handedOver());
  }

  get assignedAt(): number {
    return this.#assignedAt;
  }

  /** Has a process that waits begin. */
  begin(): void {
    this.#assignedAt = performance.now();
    this.#limitStart();
    this.child.send({ type: 'begin', title: titleOf(this.#spec) });
  }

  get state(): MemberState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Lets it finish its work; kills it after `drainTimeout`. */
  drain(mode: string): void {
    if (!this.#move('drain')) return;
    this.child.stop(mode);
    const limit = this.#spec.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT_MS;
    this.#killAfter(
      limit,
      `${this.#spec.name} had not ended ${limit} ms after it was replaced (drainTimeout)`,
    );
  }

  /** Lets it finish its work after it has detached itself; kills it after `detachTimeout`. */
  detach(): void {
    if (!this.#move('drain')) return;
    this.#detached = true;
    this.child.stop('detach');
    const limit = this.#spec.detachTimeout ?? DEFAULT_DETACH_TIMEOUT_MS;
    this.#killAfter(
      limit,
      `${this.#spec.name} had not ended ${limit} ms after it detached itself (detachTimeout)`,
    );
  }

  /** Whether it has detached itself: only a stop of the pool waits for its end. */
  get detached(): boolean {
    return this.#detached;
  }

  /** Asks it to end; the caller sets the deadline. */
  stop(mode: string): void {
    const asked = this.#state === 'draining' || this.#state === 'stopping';
    if (this.#move('stop') && !asked) this.child.stop(mode);
  }

  #limitStart(): void {
    const { name, startTimeout = DEFAULT_START_TIMEOUT_MS } = this.#spec;
    this.#killAfter(startTimeout, `${name} was not ready within ${startTimeout} ms (startTimeout)`);
  }

  #onMessage(message: ToParent, stableAfter: number): void {
    if (message.type === 'loaded') this.#setScheduling();
    else if (message.type === 'ready') this.#ready(stableAfter);
    else this.#events.message(this, message);
  }

  #ready(stableAfter: number): void {
    if (!this.#move('announced')) return;
    this.#readyAt = performance.now();
    this.#deadline?.cancel();
    this.#stable = new Alarm(stableAfter, () => {
      this.#move('stable');
    }).unref();
    this.#events.ready(this);
  }

  /** Called while the process waits for its assignment, before it starts threads of its own, which inherit both. */
  #setScheduling(): void {
    const { priority, affinity } = this.#spec;
    const { pid } = this;
    if (pid === undefined) return;
    try {
      if (priority !== undefined) setPriority(pid, priority);
      if (affinity !== undefined) setAffinity(pid, affinity);
    } catch (error) {
      this.child.killFor(error as Error);
    }
  }

  #halted(): void {
    this.child.hearLast();
    this.#events.halted(this);
  }

  #ended({ code, signal, error }: ChildEnd): void {
    this.#halt?.close();
    this.#deadline?.cancel();
    this.#stable?.cancel();
    const replaced = this.#state === 'draining';
    this.#move('end');
    const now = performance.now();
    const uptime = now - this.#assignedAt;
    const wasReady = this.#readyAt !== undefined;
    const readyFor = this.#readyAt === undefined ? 0 : now - this.#readyAt;
    this.#events.ended(this, {
      pid: this.pid,
      code,
      signal,
      wasReady,
      uptime,
      readyFor,
      replaced,
      error,
    });
  }

  #killAfter(limit: number, why: string): void {
    this.#deadline?.cancel();
    // The process keeps the loop alive, not its deadline.
    this.#deadline = new Alarm(limit, () => this.child.killFor(new Error(why))).unref();
  }

  #move(event: MemberEvent): boolean {
    const next = after(this.#state, event);
    if (next !== undefined) this.#state = next;
    return next !== undefined;
  }
}

/** What `ps` shows of a process of a member. */
export function titleOf({ name, title = name }: MemberSpec): string {
  return title;
}

/** And of one that waits for the end of another. */
export function standbyTitle(spec: MemberSpec): string {
  return `${titleOf(spec)}, standby`;
}
