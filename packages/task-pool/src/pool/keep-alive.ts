/** The longest timer that Node takes, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Keeps the event loop alive while tasks are pending and the pool's own handles are unreferenced: one timer for all tasks, so that
 * a task costs next to nothing.
 */
export class KeepAlive {
  #timer: NodeJS.Timeout | undefined;
  #on = false;
  #underWay = 0;

  /** Switches it on or off. Off by default: the pool's handles keep the loop alive. */
  turn(on: boolean): void {
    this.#on = on;
    this.#apply();
  }

  begin(): void {
    this.#underWay++;
    if (this.#on) this.#apply();
  }

  end(): void {
    this.#underWay--;
    if (this.#on) this.#apply();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#on = false;
  }

  #apply(): void {
    if (!this.#on || this.#underWay === 0) this.#timer?.unref();
    else if (this.#timer === undefined) this.#timer = setInterval(() => {}, LONGEST_MS);
    else this.#timer.ref();
  }
}
