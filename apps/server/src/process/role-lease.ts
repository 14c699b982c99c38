import type { FromWorker } from '../contract/control-messages.js';

/**
 * The place of a worker or task worker: the rings and pipes that carry its name. Each has one reader, so while one
 * process takes over from another, one of them has the place and the other has not. The new process runs `workerStart`
 * without it, and is given it by the manager when the one before has given it up or has died.
 */
export class RoleLease {
  readonly #tellManager: (message: FromWorker) => void;
  readonly #onAcquired: (() => void)[] = [];
  readonly #onReleased: (() => void)[] = [];
  #state: 'waiting' | 'held' | 'released' = 'waiting';
  #requested = false;

  constructor(tellManager: (message: FromWorker) => void) {
    this.#tellManager = tellManager;
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
    this.#tellManager({ type: 'leaseWanted', pid: process.pid });
  }

  /** Gives the place up, and goes on without it. */
  release(): void {
    const had = this.#state === 'held';
    this.#state = 'released';
    if (!had) return;
    for (const listener of this.#onReleased) listener();
    this.#tellManager({ type: 'leaseReleased', pid: process.pid });
  }

  /** The manager has given it the place. */
  acquire(): void {
    // One that ends does not begin.
    if (this.#state !== 'waiting') return;
    this.#state = 'held';
    for (const listener of this.#onAcquired.splice(0)) listener();
  }
}
