import type { TimerDriver } from './drivers.js';

/** The driver of one heap, fired by the clock that made it. */
export interface ManualDriver extends TimerDriver {
  /** When it will fire, in the clock's time; undefined when nothing is armed. */
  readonly armedFor: number | undefined;
  /** Whether what is armed would keep a process alive. */
  readonly keepsAlive: boolean;
  /** How often it has been armed. */
  readonly timesArmed: number;
}

class Driver implements ManualDriver {
  armedFor: number | undefined;
  timesArmed = 0;
  #fire: (() => void) | undefined;
  #referenced = true;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get keepsAlive(): boolean {
    return this.#referenced && this.armedFor !== undefined;
  }

  arm(delayMs: number, fire: () => void): void {
    this.armedFor = this.#now() + delayMs;
    this.#fire = fire;
    this.timesArmed++;
  }

  disarm(): void {
    this.armedFor = undefined;
    this.#fire = undefined;
  }

  ref(): void {
    this.#referenced = true;
  }

  unref(): void {
    this.#referenced = false;
  }

  fire(): void {
    const fire = this.#fire;
    this.disarm();
    fire?.();
  }
}

/**
 * A clock that stands still until it is told otherwise: `new TimerHeap({ clock: clock.now, driver: clock.driver() })`.
 *
 * One clock may drive several heaps. Nothing here waits in real time.
 */
export class ManualClock {
  #time: number;
  readonly #drivers: Driver[] = [];

  /** Begins at `start` milliseconds, 0 by default. */
  constructor(start = 0) {
    this.#time = start;
  }

  /** The time in milliseconds; usable without its object. */
  readonly now = (): number => this.#time;

  /** Makes a driver for one more heap. */
  driver(): ManualDriver {
    const driver = new Driver(this.now);
    this.#drivers.push(driver);
    return driver;
  }

  /** Lets `ms` pass, stopping at each wake-up on the way, as an idle loop does. */
  advance(ms: number): void {
    const end = this.#time + ms;
    while (this.#fireNext(end));
    this.#time = end;
  }

  /** As `advance`, letting promises and everything else that is ready run after each wake-up. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settled();
    while (this.#fireNext(end)) await settled();
    this.#time = end;
  }

  /** Lets `ms` pass at once, as when something blocks the loop; then fires each wake-up that has become due, once. */
  stall(ms: number): void {
    this.#time += ms;
    for (const driver of this.#drivers) {
      if (driver.armedFor !== undefined && driver.armedFor <= this.#time) driver.fire();
    }
  }

  #fireNext(end: number): boolean {
    let next: Driver | undefined;
    for (const driver of this.#drivers) {
      if (driver.armedFor === undefined || driver.armedFor > end) continue;
      if (next?.armedFor === undefined || driver.armedFor < next.armedFor) next = driver;
    }
    if (next?.armedFor === undefined) return false;
    this.#time = Math.max(this.#time, next.armedFor);
    next.fire();
    return true;
  }
}

/** A turn of the real event loop: what promises have to do is done before it. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
