import { Alarm } from '@millrace/channel';
import type { Exit } from '../launch/exit.js';
import type { End, Incarnation } from '../launch/incarnation.js';
import {
  DEFAULT_DETACH_TIMEOUT_MS,
  DEFAULT_DRAIN_TIMEOUT_MS,
  DEFAULT_START_TIMEOUT_MS,
  type MemberSpec,
} from '../launch/spec.js';
import { setAffinity, setPriority } from '../system/scheduling.js';
import type { Birth, ToMember, ToParent } from '../wire/protocol.js';
import { after, type MemberEvent, type MemberState } from './state.js';

export interface LifeEvents {
  ready(life: Life): void;
  stable(life: Life): void;
  said(life: Life, message: ToMember): void;
  ended(life: Life, exit: Exit): void;
}

export interface LifeOptions {
  readonly spec: MemberSpec;
  /** Counts the lives of the member from 1. */
  readonly number: number;
  /** Milliseconds after which it counts as running. */
  readonly stableAfter: number;
  /** What it is given beyond the descriptors of the spec. */
  readonly descriptors: Readonly<Record<string, number>>;
}

/** One process under the name of a member, from when it is given that to its end; its state and its deadlines. */
export class Life {
  readonly number: number;
  readonly incarnation: Incarnation;
  readonly bornAt = performance.now();
  readonly #spec: MemberSpec;
  readonly #events: LifeEvents;
  #state: MemberState = 'starting';
  #readyAt: number | undefined;
  #detached = false;
  #deadline: Alarm | undefined;
  #stable: Alarm | undefined;

  constructor(incarnation: Incarnation, options: LifeOptions, events: LifeEvents) {
    const { spec, number } = options;
    this.number = number;
    this.incarnation = incarnation;
    this.#spec = spec;
    this.#events = events;
    incarnation.listen({
      said: (message) => this.#said(message, options.stableAfter),
      ended: (end) => this.#ended(end),
    });
    const limit = spec.startTimeout ?? DEFAULT_START_TIMEOUT_MS;
    this.#killAfter(limit, `${spec.name} was not ready within ${limit} ms (startTimeout)`);
    if (incarnation.waiting) this.#schedule();
    const descriptors = { ...spec.descriptors, ...options.descriptors };
    const birth: Birth = {
      name: spec.name,
      title: spec.title ?? spec.name,
      incarnation: number,
      descriptors: Object.keys(descriptors),
      maxJobs: spec.maxJobs,
      endsByItself: spec.endsByItself ?? false,
      queue: spec.queue,
      data: spec.data,
    };
    incarnation.bear(birth, Object.values(descriptors));
  }

  get state(): MemberState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.incarnation.pid;
  }

  /** Lets it finish what it has; kills it when its time is over. */
  drain(mode: string): void {
    if (!this.#move('drain')) return;
    this.incarnation.stop(mode);
    const limit = this.#spec.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT_MS;
    this.#killAfter(
      limit,
      `${this.#spec.name} was not done ${limit} ms after another took its place (drainTimeout)`,
    );
  }

  /** Lets it finish what it has, after it has asked for another process beside it. */
  detach(): void {
    if (!this.#move('drain')) return;
    this.#detached = true;
    this.incarnation.stop('detach');
    const limit = this.#spec.detachTimeout ?? DEFAULT_DETACH_TIMEOUT_MS;
    this.#killAfter(
      limit,
      `${this.#spec.name} was not done ${limit} ms after it detached itself (detachTimeout)`,
    );
  }

  /** Whether it has detached itself: nobody waits for its end but who stops the pool. */
  get detached(): boolean {
    return this.#detached;
  }

  /** Asks it to end; who asks sets the deadline. */
  stop(mode: string): void {
    const asked = this.#state === 'draining' || this.#state === 'stopping';
    if (this.#move('stop') && !asked) this.incarnation.stop(mode);
  }

  #said(message: ToParent, stableAfter: number): void {
    if (message.type === 'waiting') this.#schedule();
    else if (message.type === 'ready') this.#ready(stableAfter);
    else this.#events.said(this, message);
  }

  #ready(stableAfter: number): void {
    if (!this.#move('announced')) return;
    this.#readyAt = performance.now();
    this.#deadline?.cancel();
    this.#stable = new Alarm(stableAfter, () => {
      if (this.#move('stable')) this.#events.stable(this);
    }).unref();
    this.#events.ready(this);
  }

  /** While the process waits for its birth: no thread of the user's has been made yet. */
  #schedule(): void {
    const { priority, affinity } = this.#spec;
    const { pid } = this;
    if (pid === undefined) return;
    try {
      if (priority !== undefined) setPriority(pid, priority);
      if (affinity !== undefined) setAffinity(pid, affinity);
    } catch (error) {
      this.incarnation.killFor(error as Error);
    }
  }

  #ended({ code, signal, error }: End): void {
    this.#deadline?.cancel();
    this.#stable?.cancel();
    const replaced = this.#state === 'draining';
    this.#move('end');
    const now = performance.now();
    const uptime = now - this.bornAt;
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
    // As long as there is a process, it is what keeps the loop alive, or is not to.
    this.#deadline = new Alarm(limit, () => this.incarnation.killFor(new Error(why))).unref();
  }

  #move(event: MemberEvent): boolean {
    const next = after(this.#state, event);
    if (next !== undefined) this.#state = next;
    return next !== undefined;
  }
}
