import {
  type Bytes,
  checkOptions,
  checkTimeout,
  optionNames,
  type Poller,
  type PollRegistration,
  type Repetition,
} from '@millrace/channel';
import { type PollRegistration as NativeRegistration, NodePoller } from '@millrace/native';
import { TimerHeap } from '@millrace/timer-heap';
import { checkInteger, ReactorError, reactorClosed } from '../errors.js';
import { takeClosing } from './closing.js';
import { DeferredQueue } from './deferred-queue.js';
import { Descriptors } from './descriptors.js';
import {
  checkMode,
  DEFAULT_WRITE_LIMIT,
  REACTOR_OPTIONS,
  READ_BYTES,
  type ReactorOptions,
} from './options.js';
import { TurnDriver } from './turn-driver.js';
import {
  ADD_OPTIONS,
  type AddOptions,
  type Interest,
  type Trigger,
  WATCH_OPTIONS,
  type WatchOptions,
} from './watch.js';

const CYCLE_OPTIONS = optionNames<{ before?: boolean }>({ before: true });

/** The longest that epoll sleeps, in milliseconds. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

/**
 * An event loop over epoll.
 *
 * **Order of a turn.** `cycle` with `before` → input and output → timers → deferred → `cycle`. For each descriptor that is
 * ready: `onRead`, then what `write` has queued, then `onWrite`, then `onError` if it was neither. A timer made in a turn
 * runs in a later one; a function deferred by a timer runs right after the timers.
 *
 * **Errors in callbacks.** The turn goes on: the other callbacks run, and the error then comes out of `turn` or `run`, or is an
 * uncaught exception in Node's loop (`AggregateError` for several). With `onError` in the options it goes there instead.
 *
 * **Threads and processes.** A reactor, and everything on it, belongs to the thread that made it. Watch an `eventfd` to be
 * woken by another. Nothing survives a fork or a spawn but the descriptors that you pass on.
 *
 * **Not promised.** Fairness beyond a turn, and any order among the descriptors of one. Timers are never early, and late by
 * what the callbacks before them take. In a blocking reactor promises make no progress while it sleeps.
 */
export class Reactor implements Disposable {
  /** Run by the turns, after input and output. */
  readonly timers: TimerHeap;
  /** The form in which transports watch their descriptors: `createPipe({ poller: reactor.poller })`. */
  readonly poller: Poller = {
    add: (fd, callback) => this.#poll(fd, callback, 'level'),
    addEdge: (fd, callback) => this.#poll(fd, callback, 'edge'),
    defer: (callback) => this.defer(callback),
    every: (ms, callback) => this.#every(ms, callback),
  };
  readonly #descriptors: Descriptors;
  /** The epoll descriptor in Node's loop; undefined in a blocking reactor. */
  #inside: NativeRegistration | undefined;
  readonly #driver: TurnDriver;
  readonly #deferred = new DeferredQueue();
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #fail = (error: unknown): void => {
    if (this.#onError) this.#onError(error);
    else this.#failures.push(error);
  };
  readonly #referencing = (any: boolean): void => {
    if (!any) this.#inside?.unref();
    else if (!this.#stopped) this.#inside?.ref();
  };
  readonly #turnInside = () => {
    if (!this.#stopped) this.#turn(0);
  };
  #failures: unknown[] = [];
  #readMemory: Buffer | undefined;
  #before: (() => void) | undefined;
  #after: (() => void) | undefined;
  #inTurn = false;
  #stopped = false;
  #closed = false;

  /** Throws `ERR_MILLRACE_REACTOR_OPTION`, or a `SystemCallError` when descriptors have run out. */
  constructor(options: ReactorOptions = {}) {
    checkOptions(options, REACTOR_OPTIONS, 'A Reactor');
    const { mode = 'node', writeLimit = DEFAULT_WRITE_LIMIT, onError } = options;
    checkMode(mode);
    checkInteger('writeLimit', writeLimit, 1, Number.MAX_SAFE_INTEGER);
    this.#onError = onError;
    this.#descriptors = new Descriptors({ fail: this.#fail, referencing: this.#referencing }, writeLimit);
    this.#driver = new TurnDriver(mode === 'node' ? this.#turnInside : undefined);
    this.timers = new TimerHeap({ driver: this.#driver, onError: this.#fail });
    if (mode === 'node') {
      this.#inside = this.#watchInside();
      this.#inside.update({ read: true, write: false });
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** As the options say, or `'node'` after `enterNodeLoop`. */
  get mode(): 'node' | 'blocking' {
    return this.#inside ? 'node' : 'blocking';
  }

  /** Memory to read to, which all connections of this reactor share: after a callback the next one overwrites it. */
  get readMemory(): Buffer {
    this.#readMemory ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#readMemory;
  }

  /**
   * Watches `fd`, and makes it non-blocking. Throws `ERR_MILLRACE_WATCHED`, `ERR_MILLRACE_NO_CALLBACK`, or a
   * `SystemCallError`: with `EPERM` for a regular file, which is always ready and cannot be watched.
   *
   * **Spurious events.** A callback may find nothing to do, and one event may stand for any number of messages. A failure or
   * a hang-up is reported to the callbacks of what is watched for, so that their next call says what it is; `onError` runs
   * only where nothing is watched for, or when output that was queued cannot be sent.
   *
   * **Draining.** Watches are level-triggered: what a callback leaves is reported again in the next turn. With
   * `trigger: 'edge'` read or write until `EAGAIN`, or the event is lost; `set` makes the kernel look again. With `oneShot` a
   * watch reports once and then keeps still until `set`.
   */
  add(fd: number, options: AddOptions): void {
    this.#assertOpen();
    checkOptions(options, ADD_OPTIONS, 'add()');
    this.#descriptors.add(fd, options);
  }

  /**
   * Changes what is watched, the callbacks, or both; what is not named stays. Arms a one-shot watch again. Throws
   * `ERR_MILLRACE_NOT_WATCHED` or `ERR_MILLRACE_NO_CALLBACK`.
   */
  set(fd: number, options: WatchOptions): void {
    checkOptions(options, WATCH_OPTIONS, 'set()');
    this.#descriptors.set(fd, options);
  }

  /** Whether `fd` is watched; with an interest named, whether it is watched for that. */
  has(fd: number, interest?: Interest): boolean {
    return this.#descriptors.has(fd, interest);
  }

  /**
   * Stops watching; false when the descriptor was not watched. It stays open, and what `write` had queued for it is
   * dropped. An event that had been fetched for it is dropped too, also when a new descriptor has its number by then and
   * is watched. A descriptor that was closed elsewhere can still be removed, and must be, before its number is added
   * again: while a duplicate of it is open the kernel goes on reporting it, which costs turns.
   */
  remove(fd: number): boolean {
    return this.#descriptors.remove(fd);
  }

  /** Whether the watching of `fd` keeps `run`, or Node's loop, going. It does from the beginning. */
  ref(fd: number, on = true): void {
    this.#descriptors.ref(fd, on);
  }

  /** As `ref(fd, false)`. */
  unref(fd: number): void {
    this.#descriptors.ref(fd, false);
  }

  /**
   * Writes all of `data` or none of it: sends what the kernel takes now, and the rest whenever it takes more. False:
   * refused whole, because it is empty or more than `writeLimit` bytes would wait. What is taken is copied as far as the
   * kernel did not take it at once; being taken is not being received. A descriptor that is not watched is
   * watched until its output has gone. Throws a `SystemCallError` when the descriptor is broken.
   */
  write(fd: number, data: Bytes | string): boolean {
    this.#assertOpen();
    return this.#descriptors.write(fd, data);
  }

  /** Bytes that `write` has queued for `fd`. */
  queuedBytes(fd: number): number {
    return this.#descriptors.queuedBytes(fd);
  }

  /** Runs `callback` once, at the end of this turn; from within a deferred function, of the next. First come, first run. */
  defer(callback: () => void): void {
    this.#assertOpen();
    this.#deferred.push(callback);
    if (!this.#inTurn && this.#deferred.length === 1) this.#turnSoon();
  }

  /**
   * Runs `callback` at the end of each turn, or at its beginning, in place of an earlier one; null ends that. Keeps
   * nothing alive, but has a turn at the beginning of `run`, whatever else there is. False when there was nothing to end.
   */
  cycle(callback: (() => void) | null | undefined, options: { before?: boolean } = {}): boolean {
    checkOptions(options, CYCLE_OPTIONS, 'cycle()');
    const { before = false } = options;
    const earlier = before ? this.#before : this.#after;
    if (before) this.#before = callback ?? undefined;
    else this.#after = callback ?? undefined;
    return callback != null || earlier !== undefined;
  }

  /**
   * One turn: sleeps until something is ready or a timer is due, at most `timeoutMs` (Infinity, or -1 as in epoll: no limit),
   * and not at all when there is nothing to wait for. Throws what a callback threw, and `ERR_MILLRACE_IN_TURN` within a turn.
   */
  turn(timeoutMs = -1): void {
    if (timeoutMs !== -1) checkTimeout(timeoutMs, 'timeoutMs');
    this.#assertOpen();
    if (this.#inTurn) throw inTurn('turn');
    this.#turn(timeoutMs);
  }

  /**
   * Blocking: turns until nothing is left that keeps it going, or `stop`. In Node's loop, which does that by itself:
   * goes on after a `stop`, and returns at once.
   */
  run(): void {
    this.#assertOpen();
    if (this.#inTurn) throw inTurn('run');
    if (this.#inside) return this.#resume();
    this.#stopped = false;
    // A cycle function keeps nothing alive, and yet has a first turn: it may be what begins everything else.
    if (!this.#busy && (this.#before ?? this.#after) !== undefined) this.#turn(0);
    while (!this.#stopped && !this.#closed && this.#busy) this.#turn(-1);
  }

  /**
   * A blocking reactor goes on in Node's loop from the next `run` on, as if its mode had been `'node'` all along: for a program in which
   * the need for what lives there, TLS for one, comes later. In a callback call `stop`, and this once `run` has returned.
   * Idempotent. Throws `ERR_MILLRACE_IN_TURN` within a turn.
   */
  enterNodeLoop(): void {
    this.#assertOpen();
    if (this.#inTurn) throw inTurn('enterNodeLoop');
    if (this.#inside) return;
    this.stop();
    this.#driver.enterNodeLoop(this.#turnInside);
    this.#inside = this.#watchInside();
  }

  /** Ends `run` after the current turn; in Node's loop no more turns begin before `run`, and nothing is kept alive. */
  stop(): void {
    if (this.#stopped || this.#closed) return;
    this.#stopped = true;
    this.#driver.pause();
    this.#inside?.update({ read: false, write: false });
    if (this.#descriptors.referenced) this.#inside?.unref();
  }

  /**
   * Gives up the epoll descriptor, the timers and what is deferred; idempotent. Watched descriptors stay open, `connect`s
   * under way fail. Outside of a turn it throws what their callbacks threw, when all is done.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopped = true;
    for (const action of takeClosing(this)) this.#guard(action);
    this.#inside?.close();
    this.timers.close();
    this.#deferred.clear();
    this.#descriptors.close();
    if (!this.#inTurn && this.#failures.length > 0) this.#throwFailures();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #turn(timeoutMs: number): void {
    this.#inTurn = true;
    try {
      if (this.#before) this.#guard(this.#before);
      if (!this.#closed) this.#descriptors.wait(this.#sleep(timeoutMs));
      if (!this.#closed && !this.#driver.runDue() && this.timers.nextDeadline() !== undefined)
        this.timers.runDue();
      this.#deferred.run(this.#fail);
      if (this.#after && !this.#closed) this.#guard(this.#after);
    } finally {
      this.#inTurn = false;
      if (this.#deferred.length > 0) this.#turnSoon();
    }
    if (this.#failures.length > 0) this.#throwFailures();
  }

  /** Milliseconds that this turn may sleep. */
  #sleep(timeoutMs: number): number {
    if (timeoutMs === 0 || this.#deferred.length > 0) return 0;
    const timer = this.timers.nextDeadline() === undefined ? -1 : this.timers.nextDelay();
    if (timer < 0 && this.#descriptors.size === 0) return 0;
    if (timeoutMs < 0 || timeoutMs === Number.POSITIVE_INFINITY) return timer;
    // epoll takes whole milliseconds in 31 bits: a longer turn ends early, which a turn may.
    const most = Math.min(Math.ceil(timeoutMs), MAX_SLEEP_MS);
    return timer < 0 || timer > most ? most : timer;
  }

  #poll(fd: number, callback: (ready: number) => void, trigger: Trigger): PollRegistration {
    this.#assertOpen();
    return this.#descriptors.poll(fd, callback, trigger);
  }

  #every(ms: number, callback: () => void): Repetition {
    this.#assertOpen();
    const id = this.timers.tick(ms, callback);
    this.timers.unref(id);
    return { close: () => void this.timers.clear(id) };
  }

  get #busy(): boolean {
    if (this.#descriptors.referenced || this.#deferred.length > 0) return true;
    return this.#driver.referenced && this.timers.nextDeadline() !== undefined;
  }

  /** Watches for nothing and keeps nothing alive, to begin with. */
  #watchInside(): NativeRegistration {
    const inside = new NodePoller().add(this.#descriptors.fd, this.#turnInside);
    inside.unref();
    return inside;
  }

  #resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#driver.resume();
    this.#inside?.update({ read: true, write: false });
    if (this.#descriptors.referenced) this.#inside?.ref();
    if (this.#deferred.length > 0) this.#turnSoon();
  }

  #turnSoon(): void {
    if (this.#inside && !this.#stopped) setImmediate(this.#turnInside);
  }

  #guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#fail(error);
    }
  }

  #throwFailures(): void {
    const failures = this.#failures;
    this.#failures = [];
    if (failures.length === 1) throw failures[0];
    throw new AggregateError(failures, `${failures.length} callbacks of one turn have thrown.`);
  }

  #assertOpen(): void {
    if (this.#closed) throw reactorClosed();
  }
}

function inTurn(method: string): ReactorError {
  return new ReactorError('ERR_MILLRACE_IN_TURN', `A callback called ${method}; its own turn is not over.`);
}
