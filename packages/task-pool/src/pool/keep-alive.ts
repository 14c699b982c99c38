/** The longest timer that Node takes, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Keeps the loop of this process alive while work is under way, where what does the work is not to: one handle for all
 * of it, which costs a task next to nothing.
 */
export class KeepAlive {
  #timer: NodeJS.Timeout | undefined;
  #on = false;
  #underWay = 0;

  /** Whether it is to. Default: not, for something else does. */
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
