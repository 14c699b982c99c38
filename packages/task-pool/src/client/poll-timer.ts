import type { WorkerQueue } from './worker-queue.js';

/** Milliseconds between two polls. */
const POLL_MS = 50;

/**
 * Calls `poll` for each queue that is not empty, as long as there is one. Tasks and answers need this only where a process has
 * overwritten a doorbell or a claim: without polling they would be lost in silence.
 */
export class PollTimer {
  readonly #queues: readonly WorkerQueue[];
  readonly #poll: (queue: WorkerQueue) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(queues: readonly WorkerQueue[], poll: (queue: WorkerQueue) => void) {
    this.#queues = queues;
    this.#poll = poll;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#pollAll(), POLL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #pollAll(): void {
    let any = false;
    for (const queue of this.#queues) {
      if (queue.count === 0) continue;
      any = true;
      this.#poll(queue);
    }
    if (!any) this.stop();
  }
}
