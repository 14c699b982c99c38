import type { Lane } from './lane.js';

/** Milliseconds without an answer after which what waits behind the task in hand is taken back. */
const PATIENCE_MS = 1;
/** The same, when another worker has nothing to do. */
const IDLE_PATIENCE_MS = 0.2;

/**
 * Looks after what has been sent ahead, as long as there is any: when a worker does not answer in time, `recall` takes
 * back what it has not begun.
 */
export class Patience {
  readonly #lanes: readonly Lane[];
  readonly #recall: (lane: Lane) => void;
  readonly #redistribute: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(lanes: readonly Lane[], recall: (lane: Lane) => void, redistribute: () => void) {
    this.#lanes = lanes;
    this.#recall = recall;
    this.#redistribute = redistribute;
  }

  /** Something has been sent ahead. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), PATIENCE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** `idle` has nothing to do, and nothing waits: takes what others have ahead and do not come to. */
  relieve(idle: Lane): void {
    if (this.#timer === undefined) return;
    const now = performance.now();
    let any = false;
    for (const lane of this.#lanes) {
      if (lane === idle || lane.ahead === 0 || now - lane.progressAt < IDLE_PATIENCE_MS) continue;
      this.#recall(lane);
      any = true;
    }
    if (any) this.#redistribute();
  }

  #look(): void {
    const now = performance.now();
    for (const lane of this.#lanes) {
      if (lane.ahead === 0 || now - lane.progressAt < PATIENCE_MS) continue;
      lane.stalled = true;
      this.#recall(lane);
    }
    this.#redistribute();
    if (!this.#lanes.some((lane) => lane.ahead > 0)) this.stop();
  }
}
