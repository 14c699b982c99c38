import { bind, bindTick, throwLater } from './callbacks.js';
import { CALLBACKS_PER_READING, MAX_WAIT_MS } from './constants.js';
import { TimeoutDriver } from './drivers.js';
import {
  checkCallback,
  checkDelay,
  checkOptions,
  clearedError,
  closedError,
  type TimerError,
} from './errors.js';
import { LatenessHistogram } from './lateness-histogram.js';
import type { SleepOptions, TicksOptions, TimerHeapOptions, TimerInfo, TimerStats } from './options.js';
import { DeadlineQueue } from './queue/deadline-queue.js';
import { AWAITED, type Callback, PERIODIC, REMOVED, RUNNING, TimerTable, UNREFED } from './timer-table.js';
import { SLEEP_OPTIONS, sleep, Ticks, type WaitHost } from './waiting.js';
import { WakeUp } from './wake-up.js';

/** Timers with one clock and one wake-up. The README is the contract. */
export class TimerHeap implements Disposable {
  readonly #clock: () => number;
  readonly #onError: (error: unknown, id: number) => void;
  readonly #table = new TimerTable();
  readonly #queue = new DeadlineQueue(this.#table);
  readonly #lateness = new LatenessHistogram();
  readonly #wakeUp: WakeUp;
  readonly #onWakeUp = () => {
    if (this.runDue() === 0) this.#wakeUp.armFor(this.#queue.earliest, this.#latest);
  };
  /** By id, for timers that a promise waits for. */
  readonly #waiters = new Map<number, (reason: TimerError) => void>();
  readonly #waitHost: WaitHost;
  readonly #start: number;
  /** The latest time seen: the heap's time never goes back, whatever the clock does. */
  #latest: number;
  #live = 0;
  #round = 0;
  /** Passes on the stack: 0, or 1, or more when a callback runs a pass. */
  #depth = 0;
  #closed = false;

  constructor(options: TimerHeapOptions = {}) {
    checkOptions(options, ['clock', 'driver', 'onError']);
    const { clock, driver, onError } = options;
    this.#clock = clock ?? (() => performance.now());
    this.#onError = onError ?? throwLater;
    this.#wakeUp = new WakeUp(driver === undefined ? new TimeoutDriver() : driver);
    this.#start = this.#latest = this.#clock();
    this.#waitHost = {
      start: (ms, callback, { periodic, ref, ended }) => {
        const id = this.#add(ms, callback, periodic);
        this.#waiters.set(id, ended);
        const slot = this.#find(id);
        this.#table.setFlags(slot, this.#table.flags(slot) | AWAITED);
        if (!ref) this.unref(id);
        return id;
      },
      clear: (id) => this.clear(id),
    };
  }

  /** Calls `callback(...args)` once, `ms` from now or later; returns the timer's id. */
  after<A extends unknown[]>(ms: number, callback: (...args: A) => unknown, ...args: A): number {
    checkCallback(callback);
    return this.#add(ms, args.length === 0 ? (callback as () => unknown) : bind(callback, args), false);
  }

  /** Calls `callback(id, ...args)` each `ms`, the first time `ms` from now; returns the timer's id. */
  tick<A extends unknown[]>(ms: number, callback: (id: number, ...args: A) => unknown, ...args: A): number {
    checkCallback(callback);
    return this.#add(
      ms,
      args.length === 0 ? (callback as unknown as Callback) : bindTick(callback, args),
      true,
    );
  }

  /** Ends a timer. True exactly once per live timer; false for one that has ended or never was. */
  clear(id: number): boolean {
    const slot = this.#find(id);
    if (slot < 0) return false;
    const flags = this.#table.flags(slot);
    if (this.#queue.isArmed(slot)) this.#queue.disarm(slot);
    this.#uncount(flags);
    if ((flags & RUNNING) !== 0) this.#table.setFlags(slot, flags | REMOVED);
    else this.#table.free(slot);
    if ((flags & AWAITED) !== 0) this.#tellWaiter(id);
    return true;
  }

  /** Ends all timers; returns how many. A timer in whose callback this is called ends as well. */
  clearAll(): number {
    const ids = this.list();
    for (const id of ids) this.clear(id);
    return ids.length;
  }

  /**
   * Makes a live timer due `ms` from now, its interval unchanged; false when there is no such timer. A timer that
   * fires once may re-arm itself in its callback and then lives on.
   */
  rearm(id: number, ms: number): boolean {
    checkDelay(ms);
    const slot = this.#find(id);
    if (slot < 0) return false;
    if (this.#queue.isArmed(slot)) this.#queue.disarm(slot);
    this.#arm(slot, ms);
    return true;
  }

  exists(id: number): boolean {
    return this.#find(id) >= 0;
  }

  info(id: number): TimerInfo | undefined {
    const table = this.#table;
    const slot = table.find(id);
    if (slot < 0) return undefined;
    const flags = table.flags(slot);
    return {
      execMsec: table.due(slot) - this.#start,
      execCount: table.calls(slot) + (flags & RUNNING ? 1 : 0),
      interval: table.interval(slot),
      round: table.round(slot),
      removed: (flags & REMOVED) !== 0,
    };
  }

  /** The ids of all live timers, oldest first, as they are now. */
  list(): number[] {
    const ids = this.#table.ids().filter((id) => this.exists(id));
    return ids.sort((a, b) => a - b);
  }

  stats(): TimerStats {
    return { num: this.#live, round: this.#round, lateness: this.#lateness.summary() };
  }

  /** Lets a timer keep the process alive, as each does from the beginning; false when there is no such timer. */
  ref(id: number): boolean {
    const slot = this.#find(id);
    if (slot < 0) return false;
    const flags = this.#table.flags(slot);
    if ((flags & UNREFED) !== 0) this.#wakeUp.addReference();
    this.#table.setFlags(slot, flags & ~UNREFED);
    return true;
  }

  /** Lets the process end although the timer is live; false when there is no such timer. */
  unref(id: number): boolean {
    const slot = this.#find(id);
    if (slot < 0) return false;
    const flags = this.#table.flags(slot);
    if ((flags & UNREFED) === 0) this.#wakeUp.dropReference();
    this.#table.setFlags(slot, flags | UNREFED);
    return true;
  }

  /** Whether the timer is live and keeps the process alive. */
  hasRef(id: number): boolean {
    const slot = this.#find(id);
    return slot >= 0 && (this.#table.flags(slot) & UNREFED) === 0;
  }

  /**
   * Resolves `ms` from now or later. Rejects with the signal's reason, with `ERR_MILLRACE_TIMER_CLOSED` when the
   * heap closes, with `ERR_MILLRACE_TIMER_CLEARED` when the timer behind it is cleared.
   */
  sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    return sleep(this.#waitHost, ms, options);
  }

  /**
   * Iterates over ticks, the first one `ms` after the first `next`; each value is how many there were, so a slow
   * consumer sees how many it missed. Ends, without an error, when the signal aborts or the heap closes.
   */
  ticks(ms: number, options: TicksOptions = {}): AsyncIterableIterator<number, undefined, undefined> {
    checkDelay(ms);
    checkOptions(options, SLEEP_OPTIONS);
    if (this.#closed) throw closedError();
    return new Ticks(this.#waitHost, ms, options);
  }

  /** The earliest deadline in the clock's time, or undefined when nothing is armed. */
  nextDeadline(): number | undefined {
    return this.#queue.size === 0 ? undefined : this.#queue.earliest;
  }

  /**
   * How many milliseconds to wait before the next `runDue`, as epoll takes it: -1 when there is nothing to wait for,
   * 0 when something is due, otherwise rounded up, so that it is never early, and at most 2^31 - 1.
   */
  nextDelay(now: number = this.#now()): number {
    if (this.#queue.size === 0) return -1;
    return Math.min(Math.max(Math.ceil(this.#queue.earliest - now), 0), MAX_WAIT_MS);
  }

  /**
   * Runs one pass: fires, in order, what is due at `now` (default: the clock's time); returns how many fired. The
   * heap's time is `now` at least from here on, so it must be a time that has come, and finite.
   */
  runDue(now?: number): number {
    const limit = now === undefined ? this.#now() : this.#notBefore(now);
    const queue = this.#queue;
    if (queue.size === 0 || queue.earliest > limit) return 0;
    let fired = 0;
    let time = limit;
    this.#round++;
    this.#depth++;
    // What is armed in a callback is due a millisecond after `limit` at least: it never runs in this pass.
    for (let slot = queue.popDue(limit); slot >= 0; slot = queue.popDue(limit)) {
      this.#fire(slot, limit, time);
      if (++fired % CALLBACKS_PER_READING === 0) time = this.#now();
    }
    this.#depth--;
    if (queue.size > 0 && this.#depth === 0) this.#wakeUp.armFor(queue.earliest, this.#now());
    return fired;
  }

  /** Ends all timers, rejects what is awaited, and refuses new timers. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.clearAll();
    this.#wakeUp.disarm();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #now(): number {
    return this.#notBefore(this.#clock());
  }

  #notBefore(time: number): number {
    if (time > this.#latest && time < Number.POSITIVE_INFINITY) this.#latest = time;
    return this.#latest;
  }

  #add(ms: number, callback: Callback, periodic: boolean): number {
    checkDelay(ms);
    if (this.#closed) throw closedError();
    const slot = this.#table.take(callback, this.#round);
    if (periodic) this.#table.setInterval(slot, ms);
    if (this.#live++ === 0) this.#wakeUp.target = this.#onWakeUp;
    this.#wakeUp.addReference();
    this.#arm(slot, ms);
    return this.#table.id(slot);
  }

  #arm(slot: number, ms: number): void {
    const now = this.#now();
    this.#queue.arm(slot, now + ms);
    // A pass arms the wake-up once, at its end.
    if (this.#depth === 0) this.#wakeUp.armFor(now + ms, now);
  }

  /** The slot of a live timer, or -1. */
  #find(id: number): number {
    const slot = this.#table.find(id);
    return slot >= 0 && (this.#table.flags(slot) & REMOVED) === 0 ? slot : -1;
  }

  #fire(slot: number, limit: number, time: number): void {
    const table = this.#table;
    const flags = table.flags(slot);
    const id = table.id(slot);
    const callback = table.callback(slot) as Callback;
    table.setFlags(slot, flags | RUNNING);
    this.#lateness.record(time - table.due(slot));
    try {
      if ((flags & PERIODIC) !== 0) callback(id);
      else (callback as () => unknown)();
    } catch (error) {
      this.#report(error, id);
    }
    this.#afterCallback(id, limit);
  }

  #afterCallback(id: number, limit: number): void {
    const table = this.#table;
    const slot = table.find(id);
    // Where a callback re-arms its timer and then runs a pass, that pass may have fired and ended it.
    if (slot < 0) return;
    const flags = table.flags(slot);
    table.setFlags(slot, flags & ~RUNNING);
    if ((flags & REMOVED) !== 0) {
      table.free(slot);
    } else if ((flags & PERIODIC) !== 0 || this.#queue.isArmed(slot)) {
      table.countCall(slot);
      if (!this.#queue.isArmed(slot))
        this.#queue.arm(slot, nextDue(table.due(slot), table.interval(slot), limit));
    } else {
      if ((flags & AWAITED) !== 0) this.#waiters.delete(id);
      this.#uncount(flags);
      table.free(slot);
    }
  }

  #report(error: unknown, id: number): void {
    try {
      this.#onError(error, id);
    } catch (thrown) {
      throwLater(thrown);
    }
  }

  #tellWaiter(id: number): void {
    const ended = this.#waiters.get(id);
    this.#waiters.delete(id);
    ended?.(this.#closed ? closedError() : clearedError(id));
  }

  #uncount(flags: number): void {
    if (--this.#live === 0) this.#wakeUp.target = undefined;
    if ((flags & UNREFED) === 0) this.#wakeUp.dropReference();
  }
}

/** The first of `due + k * interval` that is after `now`: ticks that were missed merge into one, and none drifts. */
function nextDue(due: number, interval: number, now: number): number {
  const next = due + interval * (Math.floor((now - due) / interval) + 1);
  return next > now ? next : next + interval;
}
