import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessPoolError } from './errors.js';
import { Member, type MemberEvents, type MemberSpec } from './member.js';
import type { Exit } from './restart-policy.js';

export interface ProcessPoolEvents {
  /** A process has said that it is ready. */
  onReady?: (member: Member) => void;
  /** A process said something. */
  onMessage?: (member: Member, body: unknown) => void;
  /** A process has ended, before its replacement is started; `delay` undefined: it is not replaced. */
  onExit?: (member: Member, exit: Exit, delay: number | undefined) => void;
  /** A member has been given up. */
  onGaveUp?: (member: Member, exit: Exit) => void;
}

export interface StopOptions {
  /** Which members; default all. */
  readonly members?: readonly Member[];
  /** The word for how, handed to the processes. Default `'stop'`. */
  readonly mode?: string;
  /** Milliseconds until what is left is killed. Default 3,000. */
  readonly timeout?: number;
}

/**
 * Keeps processes alive under their names.
 *
 * Notes. Readiness is announced by the child, never guessed. A process that ends is replaced as its
 * {@link RestartPolicy} says. Every process is bound to this one: it is killed by the kernel when this one is gone.
 */
export class ProcessPool {
  readonly members: readonly Member[];
  readonly #events: ProcessPoolEvents;
  #stopping = false;
  /** Woken at every change of any member's state. */
  #changed: (() => void)[] = [];

  constructor(specs: readonly MemberSpec[], events: ProcessPoolEvents = {}) {
    this.#events = events;
    const forward: MemberEvents = {
      ready: (member) => {
        this.#events.onReady?.(member);
        this.#wake();
      },
      message: (member, body) => this.#events.onMessage?.(member, body),
      exit: (member, exit, delay) => {
        this.#events.onExit?.(member, exit, delay);
        this.#wake();
      },
      gaveUp: (member, exit) => {
        this.#events.onGaveUp?.(member, exit);
        this.#wake();
      },
    };
    this.members = specs.map((spec) => new Member(spec, forward));
  }

  /** Starts every member; resolves when all are ready, rejects with `ERR_MILLRACE_START_FAILED` when one is given up. */
  async start(): Promise<void> {
    for (const member of this.members) member.start();
    await this.#until(() => {
      if (this.#stopping)
        throw new ProcessPoolError('ERR_MILLRACE_POOL_STOPPED', 'The pool was stopped while it started.');
      const lost = this.members.find((member) => member.state === 'gave-up');
      if (lost) {
        const { code, signal } = lost.lastExit as Exit;
        throw new ProcessPoolError(
          'ERR_MILLRACE_START_FAILED',
          `${lost.name} kept ending before it was ready, the last time with ${signal ?? `code ${code}`}. ` +
            'What it wrote before is the reason; it is not started again.',
        );
      }
      return this.members.every((member) => member.state === 'ready');
    });
  }

  /** Asks members to end and waits until they have; kills those that have not in time. */
  async stop({ members = this.members, mode = 'stop', timeout = 3_000 }: StopOptions = {}): Promise<void> {
    if (members === this.members) this.#stopping = true;
    const ended = () => members.every((member) => member.state === 'stopped');
    for (const member of members) member.stop(mode);
    this.#wake();
    const inTime = new AbortController();
    const deadline = sleep(timeout, undefined, { signal: inTime.signal }).then(
      () => {
        for (const member of members) if (member.state !== 'stopped') member.kill('SIGKILL');
      },
      // Aborted: everything had ended in time.
      () => {},
    );
    await this.#until(ended);
    inTime.abort();
    await deadline;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}
