import { type Poller, type PollRegistration, READABLE, WRITABLE } from '@millrace/channel';
import {
  check,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_MAX_EVENTS,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  type PollRegistration as NativeRegistration,
  NodePoller,
  SystemCallError,
  syscalls,
} from '@millrace/native';
import { TimerHeap } from '@millrace/timer-heap';
import { ReactorError } from './errors.js';
import { Watch, type WatchOptions } from './watch.js';

export interface ReactorOptions {
  /**
   * `'node'`: the reactor runs inside Node's loop, beside everything else of this thread. `'blocking'`: the owner calls
   * `turn` or `run`, which sleep in epoll; nothing else of the thread runs meanwhile, promises included.
   * Default `'node'`.
   */
  readonly mode?: 'node' | 'blocking';
}

/**
 * An event loop over epoll, in the order input and output → timers → deferred → cycle.
 *
 * Notes.
 * - Readiness is level-triggered. A callback may find nothing to do; it must not take one event for one message.
 * - An event that had been fetched for a descriptor that a callback then removed is dropped, also when the number has
 *   been given to a new descriptor meanwhile.
 * - A descriptor is removed before it is closed. One that was closed elsewhere can still be removed.
 * - Callbacks that throw end the turn; what was ready stays ready.
 * - A reactor belongs to one thread.
 */
export class Reactor implements Poller, Disposable {
  readonly timers: TimerHeap;
  readonly #epoll: number;
  readonly #events = new Int32Array(EPOLL_MAX_EVENTS * 3);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #watches: (Watch | undefined)[] = [];
  readonly #inside: NativeRegistration | undefined;
  #watched = 0;
  #generation = 0;
  #deferred: (() => void)[] = [];
  #spare: (() => void)[] = [];
  #deferredRun = false;
  #cycle: (() => void) | undefined;
  #stopped = false;
  #closed = false;

  constructor({ mode = 'node' }: ReactorOptions = {}) {
    this.#epoll = check(syscalls.epollCreate(), 'epoll_create1');
    this.timers = mode === 'node' ? new TimerHeap() : new TimerHeap({ driver: null });
    if (mode === 'node') {
      this.#inside = new NodePoller().add(this.#epoll, () => this.#dispatch(0));
      this.#inside.unref();
      this.#inside.update({ read: true, write: false });
    }
  }

  /** Watches `fd`, which must be non-blocking. Throws `ERR_MILLRACE_WATCHED`, `_NO_CALLBACK` or a `SystemCallError`. */
  watch(fd: number, options: WatchOptions): void {
    this.#assertOpen();
    if (this.#watches[fd])
      throw new ReactorError('ERR_MILLRACE_WATCHED', `Descriptor ${fd} is watched already.`);
    const watch = new Watch(fd, ++this.#generation >>> 0);
    watch.events = watch.change(options);
    check(
      syscalls.epollControl(this.#epoll, EPOLL_CTL_ADD, fd, watch.events, watch.generation),
      'epoll_ctl',
      `fd ${fd}`,
    );
    this.#watches[fd] = watch;
    if (this.#watched++ === 0) this.#inside?.ref();
  }

  /** Changes what is watched, the callbacks, or both; callbacks that are not named stay. */
  set(fd: number, options: WatchOptions): void {
    const watch = this.#watches[fd];
    if (!watch) throw new ReactorError('ERR_MILLRACE_NOT_WATCHED', `Descriptor ${fd} is not watched.`);
    this.#ask(watch, watch.change(options));
  }

  has(fd: number): boolean {
    return this.#watches[fd] !== undefined;
  }

  /** Stops watching; false when the descriptor was not watched. */
  remove(fd: number): boolean {
    const watch = this.#watches[fd];
    if (!watch) return false;
    this.#watches[fd] = undefined;
    // A descriptor that was closed elsewhere has left epoll already: that failure is the expected outcome.
    syscalls.epollControl(this.#epoll, EPOLL_CTL_DEL, fd, 0, 0);
    if (--this.#watched === 0) this.#inside?.unref();
    return true;
  }

  /** The form in which transports watch: one callback, told what is ready. */
  add(fd: number, callback: (ready: number) => void): PollRegistration {
    this.watch(fd, {
      onRead: () => callback(READABLE),
      onWrite: () => callback(WRITABLE),
      read: false,
      write: false,
    });
    const watch = this.#watches[fd] as Watch;
    const live = () => this.#watches[fd] === watch;
    return {
      update: ({ read, write }) => {
        if (live()) this.#ask(watch, (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0));
      },
      ref: () => this.#inside?.ref(),
      unref: () => this.#inside?.unref(),
      close: () => {
        if (live()) this.remove(fd);
      },
    };
  }

  /** Runs `callback` once, at the end of this turn; from within a deferred function, of the next. First come, first run. */
  defer(callback: () => void): void {
    this.#assertOpen();
    this.#deferred.push(callback);
    if (this.#inside && !this.#deferredRun && this.#deferred.length === 1)
      setImmediate(() => this.#dispatch(0));
  }

  /** Runs `callback` at the end of each turn, in place of an earlier one; undefined ends that. */
  cycle(callback: (() => void) | undefined): void {
    this.#cycle = callback;
  }

  /** One turn: sleeps until something is ready or a timer is due, at most `timeoutMs` (-1: no limit). */
  turn(timeoutMs = -1): void {
    this.#assertOpen();
    let wait = this.#deferred.length > 0 ? 0 : this.timers.nextDelay();
    if (timeoutMs >= 0 && (wait < 0 || wait > timeoutMs)) wait = timeoutMs;
    this.#dispatch(wait);
  }

  /** Turns until nothing is left to wait for, or `stop`. For reactors in blocking mode. */
  run(): void {
    this.#stopped = false;
    while (!this.#stopped && !this.#closed && this.#busy) this.turn();
  }

  /** Ends `run` after the current turn. */
  stop(): void {
    this.#stopped = true;
  }

  /** Gives up the epoll descriptor and the timers; idempotent. Watched descriptors stay open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopped = true;
    this.#inside?.close();
    this.timers.close();
    this.#deferred = [];
    this.#watches.length = 0;
    syscalls.close(this.#epoll);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #busy(): boolean {
    return this.#watched > 0 || this.#deferred.length > 0 || this.timers.nextDelay() >= 0;
  }

  #ask(watch: Watch, events: number): void {
    if (events === watch.events) return;
    watch.events = events;
    check(
      syscalls.epollControl(this.#epoll, EPOLL_CTL_MOD, watch.fd, events, watch.generation),
      'epoll_ctl',
      `fd ${watch.fd}`,
    );
  }

  #dispatch(timeoutMs: number): void {
    const count = syscalls.epollWait(this.#epoll, this.#eventBytes, EPOLL_MAX_EVENTS, timeoutMs);
    if (count < 0 && count !== -EINTR) throw new SystemCallError('epoll_wait', -count);
    for (let i = 0; i < count; i++) this.#deliver(i * 3);
    if (this.#closed) return;
    if (!this.#inside) this.timers.runDue();
    this.#runDeferred();
    this.#cycle?.();
  }

  /** One event: reading, then writing, then an error if it was neither; each only while the watch is the same. */
  #deliver(at: number): void {
    const events = this.#events[at] as number;
    const fd = this.#events[at + 1] as number;
    const watch = this.#watches[fd];
    if (watch === undefined || watch.generation !== (this.#events[at + 2] as number) >>> 0) return;
    const failed = events & (EPOLLERR | EPOLLHUP);
    if (events & EPOLLIN || (failed && watch.events & EPOLLIN)) {
      watch.onRead?.(fd);
      if (this.#watches[fd] !== watch) return;
    }
    if (events & EPOLLOUT || (failed && watch.events & EPOLLOUT)) {
      watch.onWrite?.(fd);
      return;
    }
    if (failed && !(watch.events & EPOLLIN)) this.#fail(watch);
  }

  #fail(watch: Watch): void {
    const handler = watch.onError ?? watch.onRead ?? watch.onWrite;
    handler?.(watch.fd);
  }

  #runDeferred(): void {
    if (this.#deferred.length === 0) return;
    const run = this.#deferred;
    this.#deferred = this.#spare;
    this.#deferredRun = true;
    let done = 0;
    try {
      for (; done < run.length; done++) (run[done] as () => void)();
    } finally {
      // What an error kept from running comes first in the next turn.
      const left = run.splice(0).slice(done + 1);
      this.#spare = run;
      if (left.length > 0) this.#deferred.unshift(...left);
      this.#deferredRun = false;
      if (this.#inside && this.#deferred.length > 0 && !this.#closed) setImmediate(() => this.#dispatch(0));
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new ReactorError('ERR_MILLRACE_REACTOR_CLOSED', 'The reactor has been closed.');
  }
}
