import { TimeoutDriver, type TimerDriver } from '@millrace/timer-heap';

/**
 * Lets a reactor's turns run the timers, so that they keep their place: after input and output, before what was
 * deferred. In Node's loop a `setTimeout` starts the turn; a blocking reactor sleeps no longer than the next timer
 * allows, and needs nothing armed.
 */
export class TurnDriver implements TimerDriver {
  /** Whether a live timer keeps the reactor going. */
  referenced = true;
  #timeout: TimeoutDriver | undefined;
  #turn: (() => void) | undefined;
  readonly #elapsed = (): void => {
    this.#due = this.#fire;
    this.#fire = undefined;
    this.#turn?.();
  };
  #paused = false;
  #fire: (() => void) | undefined;
  #due: (() => void) | undefined;

  /** `turn` starts a turn; undefined: the owner of the reactor does. */
  constructor(turn: (() => void) | undefined) {
    if (turn !== undefined) this.enterNodeLoop(turn);
  }

  /** From here on `turn` starts a turn; while it is paused, not before `resume`. */
  enterNodeLoop(turn: () => void): void {
    this.#turn = turn;
    this.#timeout = new TimeoutDriver();
    if (!this.referenced) this.#timeout.unref();
  }

  arm(delayMs: number, fire: () => void): void {
    this.#fire = fire;
    if (!this.#paused) this.#timeout?.arm(delayMs, this.#elapsed);
  }

  disarm(): void {
    this.#fire = this.#due = undefined;
    this.#timeout?.disarm();
  }

  ref(): void {
    this.referenced = true;
    this.#timeout?.ref();
  }

  unref(): void {
    this.referenced = false;
    this.#timeout?.unref();
  }

  /** Runs the wake-up that has come; false when none has. */
  runDue(): boolean {
    const due = this.#due;
    this.#due = undefined;
    due?.();
    return due !== undefined;
  }

  /** Starts no turns until `resume`, also where the turn that goes on arms the next. */
  pause(): void {
    this.#paused = true;
    this.#timeout?.disarm();
  }

  resume(): void {
    this.#paused = false;
    if (this.#timeout !== undefined && (this.#fire ?? this.#due) !== undefined) {
      this.#fire ??= this.#due;
      this.#timeout.arm(1, this.#elapsed);
    }
  }
}
