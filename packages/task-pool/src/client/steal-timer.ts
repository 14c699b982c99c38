import type { WorkerQueue } from './worker-queue.js';

/** Milliseconds without an answer after which a worker counts as slow. */
const STEAL_AFTER_MS = 1;
/** The same, when another worker has just become idle. */
const STEAL_FOR_IDLE_AFTER_MS = 0.2;

/**
 * Takes queued tasks back from a worker that does not start them in time. The timer runs while any task has been sent ahead.
 * When a worker is slow and another is idle, `steal` takes back half of what the slow one has not begun, again and again until
 * it answers; until then nothing more is sent ahead to it. While no worker is idle, no other would start the tasks sooner, so
 * they stay where they are.
 */
export class StealTimer {
  readonly #queues: readonly WorkerQueue[];
  readonly #steal: (queue: WorkerQueue) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `steal` takes half of a queue back and gives it to the idle workers. */
  constructor(queues: readonly WorkerQueue[], steal: (queue: WorkerQueue) => void) {
    this.#queues = queues;
    this.#steal = steal;
  }

  /** Call after a task has been sent ahead. */
  start(): void {
    this.#timer ??= setInterval(() => this.#check(), STEAL_AFTER_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The worker of `idle` has nothing to do and the backlog is empty: steals for it from the slowest worker. */
  relieve(idle: WorkerQueue): void {
    if (this.#timer === undefined) return;
    const now = performance.now();
    let slowest: WorkerQueue | undefined;
    for (const queue of this.#queues) {
      if (queue === idle || now - queue.progressAt < STEAL_FOR_IDLE_AFTER_MS || queue.ahead === 0) continue;
      if (slowest === undefined || queue.progressAt < slowest.progressAt) slowest = queue;
    }
    if (slowest !== undefined) this.#steal(slowest);
  }

  #check(): void {
    const now = performance.now();
    let any = false;
    for (const queue of this.#queues) {
      if (queue.count === 0) continue;
      // Answers may have arrived without a ring of the doorbell.
      queue.link.channel.deliverNow();
      if (queue.ahead === 0) continue;
      any = true;
      if (now - queue.progressAt < STEAL_AFTER_MS) continue;
      if (!this.#queues.some((other) => other.isIdle)) continue;
      queue.stalled = true;
      this.#steal(queue);
    }
    if (!any) this.stop();
  }
}
