import type { ChildProcessContext } from '@millrace/process-pool';
import { controlMessage, type FromWorker, type ToWorker } from '../control-messages.js';
import type { RoleContext } from '../role.js';

/** What a place leaves to the process that has it. */
export type MessageOfPlace = Exclude<ToWorker, { readonly type: 'place' | 'leave' }>;

/** What a process is told by the manager, beyond its place. */
export interface PlaceEvents {
  /** It is to end at once when it has finished what it has: another process waits for its place. */
  onLeave(): void;
  onMessage(message: MessageOfPlace): void;
}

/**
 * The place of a worker or task worker: the rings and pipes that carry its name. Each has one reader, so while one
 * process takes over from another, one of them has the place and the other has not. The new process runs `workerStart`
 * without it, and is given it by the manager when the one before has given it up or has died.
 */
export class Place {
  readonly #child: ChildProcessContext;
  readonly #onTaken: (() => void)[] = [];
  readonly #onReleased: (() => void)[] = [];
  #state: 'waiting' | 'taken' | 'released' = 'waiting';
  #wanted = false;

  constructor(
    child: ChildProcessContext,
    context: Pick<RoleContext, 'log'>,
    { onLeave, onMessage }: PlaceEvents,
  ) {
    this.#child = child;
    child.onMessage((body) => {
      const message = controlMessage<ToWorker>(body, 'manager', context);
      if (message === undefined) return;
      if (message.type === 'place') this.#take();
      else if (message.type === 'leave') onLeave();
      else onMessage(message);
    });
  }

  get isTaken(): boolean {
    return this.#state === 'taken';
  }

  /** Calls `listener` when the place is this process's: now, or later. */
  whenTaken(listener: () => void): void {
    if (this.#state === 'waiting') this.#onTaken.push(listener);
    else listener();
  }

  taken(): Promise<void> {
    return new Promise((resolve) => this.whenTaken(resolve));
  }

  /** Calls `listener` when the place is given up. */
  whenReleased(listener: () => void): void {
    this.#onReleased.push(listener);
  }

  /** Asks for the place now, not only when this process is ready: it needs it to become so. */
  want(): void {
    if (this.#state !== 'waiting' || this.#wanted) return;
    this.#wanted = true;
    this.#child.send({ type: 'placeWanted', pid: process.pid } satisfies FromWorker);
  }

  /** Gives the place up, and goes on without it. */
  release(): void {
    const had = this.#state === 'taken';
    this.#state = 'released';
    if (!had) return;
    for (const listener of this.#onReleased) listener();
    this.#child.send({ type: 'placeFree', pid: process.pid } satisfies FromWorker);
  }

  #take(): void {
    // One that ends does not begin.
    if (this.#state !== 'waiting') return;
    this.#state = 'taken';
    for (const listener of this.#onTaken.splice(0)) listener();
  }
}
