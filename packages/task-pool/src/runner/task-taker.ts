import { setImmediate as turn } from 'node:timers/promises';
import type { TaskQueue } from '../queue/task-queue.js';
import type { TaskRunner } from './task-runner.js';

/** Milliseconds after which the loop has its turn, however many tasks there are: timers, and who says that this is to end. */
const TURN_MS = 1;

/**
 * Takes tasks from a queue for a runner: one whenever it has a place for it, and none while it has not, so that what is
 * taken is begun at once. A task that comes to the runner by another way ends the wait for one of the queue.
 */
export class TaskTaker {
  readonly #queue: TaskQueue;
  readonly #runner: TaskRunner;
  readonly #onFailure: (error: unknown) => void;
  #wait = new AbortController();
  #waiting: Promise<void> | undefined;
  #stopped = false;

  /** `onFailure`: the queue cannot be used any more, and nothing more is taken. */
  constructor(queue: TaskQueue, runner: TaskRunner, onFailure: (error: unknown) => void) {
    this.#queue = queue;
    this.#runner = runner;
    this.#onFailure = onFailure;
    runner.onFull(() => this.#wait.abort());
  }

  start(): void {
    this.#take().catch(this.#onFailure);
  }

  /** Takes nothing more; resolves when what has been taken is begun. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wait.abort();
    // Its failure has been told.
    await this.#waiting?.catch(() => {});
  }

  async #take(): Promise<void> {
    let turnedAt = performance.now();
    for (;;) {
      await this.#runner.place();
      if (performance.now() - turnedAt > TURN_MS) {
        await turn();
        turnedAt = performance.now();
      }
      if (this.#stopped) return;
      // A task may have come by another way since there was a place.
      if (!this.#runner.hasPlace) continue;
      const task = this.#queue.tryTake();
      if (task !== undefined) this.#runner.take(task.source, task.message, true);
      else {
        if (this.#wait.signal.aborted) this.#wait = new AbortController();
        this.#waiting = this.#waitForOne(this.#wait.signal);
        await this.#waiting;
      }
    }
  }

  async #waitForOne(signal: AbortSignal): Promise<void> {
    try {
      const { source, message } = await this.#queue.take(signal);
      this.#runner.take(source, message, true);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
