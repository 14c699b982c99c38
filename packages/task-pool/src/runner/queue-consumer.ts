import { setImmediate as turn } from 'node:timers/promises';
import type { TaskQueue } from '../queue/task-queue.js';
import type { TaskRunner } from './task-runner.js';

/** Milliseconds after which the event loop gets its turn, however many tasks wait: timers and control messages must run, too. */
const TURN_MS = 1;

/**
 * Takes tasks from a system queue for a runner, only while the runner has a free slot, so that a task that is taken begins at once.
 * A task that reaches the runner by another link ends the wait for one of the queue.
 */
export class QueueConsumer {
  readonly #queue: TaskQueue;
  readonly #runner: TaskRunner;
  readonly #onFailure: (error: unknown) => void;
  #wait = new AbortController();
  #waiting: Promise<void> | undefined;
  #stopped = false;

  /** `onFailure`: the queue cannot be used any more; the consumer stops. */
  constructor(queue: TaskQueue, runner: TaskRunner, onFailure: (error: unknown) => void) {
    this.#queue = queue;
    this.#runner = runner;
    this.#onFailure = onFailure;
    runner.onFull(() => this.#wait.abort());
  }

  start(): void {
    this.#take().catch(this.#onFailure);
  }

  /** Takes nothing more; resolves when every task that has been taken is begun. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wait.abort();
    // `onFailure` has reported it.
    await this.#waiting?.catch(() => {});
  }

  async #take(): Promise<void> {
    let turnedAt = performance.now();
    for (;;) {
      await this.#runner.capacity();
      if (performance.now() - turnedAt > TURN_MS) {
        await turn();
        turnedAt = performance.now();
      }
      if (this.#stopped) return;
      // Another link may have filled the slot meanwhile.
      if (!this.#runner.hasCapacity) continue;
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
