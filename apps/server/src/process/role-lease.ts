import type { ChildProcessContext } from '@millrace/process-pool';
import { controlMessage, type FromWorker, type ToWorker } from '../contract/control-messages.js';
import type { Logger } from '../log/log.js';

/** What a place leaves to the process that has it. */
export type LeaseMessage = Exclude<ToWorker, { readonly type: 'lease' | 'leave' }>;

/** What a process is told by the manager, beyond its place. */
export interface RoleLeaseEvents {
  /** It is to end at once when it has finished what it has: another process waits for its place. */
  onLeave(): void;
  onMessage(message: LeaseMessage): void;
}

/**
 * The place of a worker or task worker: the rings and pipes that carry its name. Each has one reader, so while one
 * process takes over from another, one of them has the place and the other has not. The new process runs `workerStart`
 * without it, and is given it by the manager when the one before has given it up or has died.
 */
export class RoleLease {
  readonly #child: ChildProcessContext;
  readonly #onAcquired: (() => void)[] = [];
  readonly #onReleased: (() => void)[] = [];
  #state: 'waiting' | 'held' | 'released' = 'waiting';
  #requested = false;

  constructor(
    child: ChildProcessContext,
    context: { readonly log: Logger },
    { onLeave, onMessage }: RoleLeaseEvents,
  ) {
    this.#child = child;
    child.onMessage((body) => {
      const message = controlMessage<ToWorker>(body, 'manager', context);
      if (message === undefined) return;
      if (message.type === 'lease') this.#acquire();
      else if (message.type === 'leave') onLeave();
      else onMessage(message);
    });
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** Calls `listener` when the place is this process's: now, or later. */
  whenHeld(listener: () => void): void {
    if (this.#state === 'waiting') this.#onAcquired.push(listener);
    else listener();
  }

  acquired(): Promise<void> {
    return new Promise((resolve) => this.whenHeld(resolve));
  }

  /** Calls `listener` when the place is given up. */
  whenReleased(listener: () => void): void {
    this.#onReleased.push(listener);
  }

  /** Asks for the place now, not only when this process is ready: it needs it to become so. */
  request(): void {
    if (this.#state !== 'waiting' || this.#requested) return;
    this.#requested = true;
    this.#child.send({ type: 'leaseWanted', pid: process.pid } satisfies FromWorker);
  }

  /** Gives the place up, and goes on without it. */
  release(): void {
    const had = this.#state === 'held';
    this.#state = 'released';
    if (!had) return;
    for (const listener of this.#onReleased) listener();
    this.#child.send({ type: 'leaseReleased', pid: process.pid } satisfies FromWorker);
  }

  #acquire(): void {
    // One that ends does not begin.
    if (this.#state !== 'waiting') return;
    this.#state = 'held';
    for (const listener of this.#onAcquired.splice(0)) listener();
  }
}
