/** What one connection may have of a turn. */
export interface TurnShare {
  readonly frames: number;
  /** Frames to which that grows while no other connection has input. */
  readonly loneFrames: number;
  readonly bytes: number;
}

/** Milliseconds that the frames of one connection may take of a turn, where each takes long; */
const MS_PER_TURN = 1;
/** and those beyond its share, which it has for being alone: who comes then waits for them. */
const LONE_MS_PER_TURN = 0.5;
/** Frames between two readings of the clock, which costs as much as a short frame is cut for. A read of one frame needs none. */
const FRAMES_PER_LOOK = 8;
const FIRST_LOOK = 2;

/** What had the last turn in this thread. */
let latest: object | undefined;

/**
 * What is left of a turn's share while the input of one connection is cut. Each turn costs system calls, so a connection
 * that has turn after turn with no other one in between gets twice as much each time; it falls back when another one has sent
 * something.
 */
export class Turn {
  readonly #share: TurnShare;
  #frames: number;
  #left = 0;
  #startedAt = 0;

  constructor(share: TurnShare) {
    this.#share = share;
    this.#frames = share.frames;
  }

  /** There were more frames than the share. */
  get isOver(): boolean {
    return this.#left < 0;
  }

  /** `owner`: whose turn it is. */
  begin(owner: object): void {
    const { frames, loneFrames } = this.#share;
    if (latest !== owner) {
      latest = owner;
      this.#frames = frames;
    } else if (this.isOver) this.#frames = Math.min(2 * this.#frames, loneFrames);
    this.#left = this.#frames;
    this.#startedAt = 0;
  }

  /** Whether one more frame may be delivered. */
  takes(): boolean {
    const left = --this.#left;
    const count = this.#frames - left;
    if (count % FRAMES_PER_LOOK !== FIRST_LOOK || left < 0) return left >= 0;
    const now = performance.now();
    if (this.#startedAt === 0) this.#startedAt = now;
    else if (now - this.#startedAt > (count > this.#share.frames ? LONE_MS_PER_TURN : MS_PER_TURN))
      this.#left = -1;
    return !this.isOver;
  }
}
