import type { Lane } from './worker-queue.js';

/** Milliseconds between two looks. */
const WATCH_MS = 50;

/**
 * Looks at what has been sent, as long as there is any, and calls `look` for each lane that has some. Answers and tasks need
 * it only where a process has written over a doorbell or a claim: nothing else would ever be heard of those.
 */
export class Watch {
  readonly #lanes: readonly Lane[];
  readonly #look: (lane: Lane) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(lanes: readonly Lane[], look: (lane: Lane) => void) {
    this.#lanes = lanes;
    this.#look = look;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#lookAtAll(), WATCH_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #lookAtAll(): void {
    let any = false;
    for (const lane of this.#lanes) {
      if (lane.count === 0) continue;
      any = true;
      this.#look(lane);
    }
    if (!any) this.stop();
  }
}
