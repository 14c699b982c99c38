import type { Lane } from './worker-queue.js';

/** Milliseconds without an answer after which a worker is slow. */
const PATIENCE_MS = 1;
/** The same, when another worker has nothing to do. */
const IDLE_PATIENCE_MS = 0.2;

/**
 * Looks after what has been sent ahead, as long as there is any. When a worker does not answer in time and another has
 * nothing to do, `steal` takes back the half of what the slow one has not begun, and again when that is done; the slow
 * one is sent nothing ahead until it answers. While nobody is idle, nobody would run it sooner: it stays where it is.
 */
export class Patience {
  readonly #lanes: readonly Lane[];
  readonly #steal: (lane: Lane) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `steal` takes back half, and gives it to those that are idle. */
  constructor(lanes: readonly Lane[], steal: (lane: Lane) => void) {
    this.#lanes = lanes;
    this.#steal = steal;
  }

  /** Something has been sent ahead. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), PATIENCE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** `idle` has nothing to do, and nothing waits. */
  relieve(idle: Lane): void {
    if (this.#timer === undefined) return;
    const now = performance.now();
    let slowest: Lane | undefined;
    for (const lane of this.#lanes) {
      if (lane === idle || now - lane.progressAt < IDLE_PATIENCE_MS || lane.ahead === 0) continue;
      if (slowest === undefined || lane.progressAt < slowest.progressAt) slowest = lane;
    }
    if (slowest !== undefined) this.#steal(slowest);
  }

  #look(): void {
    const now = performance.now();
    let any = false;
    for (const lane of this.#lanes) {
      if (lane.count === 0) continue;
      // What has been answered meanwhile, and was not rung for.
      lane.link.channel.deliverNow();
      if (lane.ahead === 0) continue;
      any = true;
      if (now - lane.progressAt < PATIENCE_MS) continue;
      if (!this.#lanes.some((other) => other.isIdle)) continue;
      lane.stalled = true;
      this.#steal(lane);
    }
    if (!any) this.stop();
  }
}
