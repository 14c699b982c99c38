/** Bits of readiness; the same as epoll's `EPOLLIN` and `EPOLLOUT`. */
export const READABLE = 1;
export const WRITABLE = 4;

export interface Interest {
  readonly read: boolean;
  readonly write: boolean;
  /** Whether the hang-up of the other side is reported, once, also while neither of the others is wanted. */
  readonly end?: boolean;
}

/** One watched descriptor. */
export interface PollRegistration {
  /** What to report from here on. */
  update(interest: Interest): void;
  /** Whether the watching alone keeps the loop alive. */
  ref(): void;
  unref(): void;
  /** Ends the watching; idempotent. The descriptor stays open. */
  close(): void;
}

/**
 * Watches descriptors in some loop: Node's own (`NodePoller` of @millrace/native) or a `Reactor`. A transport is given
 * one, and so runs in either.
 *
 * Notes. Nothing is reported before the first `update`. Readiness is level-triggered and may be spurious; an error or
 * hang-up is reported as readable and writable. A descriptor may be watched once at a time.
 */
export interface Poller {
  add(fd: number, callback: (ready: number) => void): PollRegistration;
  /**
   * Watches an event descriptor by its edges: `callback` is called after each time that it is written to, and nobody has to
   * read it, which saves a system call for each wake-up. Absent in loops that cannot tell edges.
   */
  addEdge?(fd: number, callback: () => void): PollRegistration;
  /** Runs `callback` once, after what is ready now; it keeps the loop alive until then. */
  defer(callback: () => void): void;
  /** Runs `callback` about every `ms` milliseconds by the loop's own clock, until it is closed; it keeps nothing alive. */
  every(ms: number, callback: () => void): Repetition;
}

/** What {@link Poller.every} runs again and again. */
export interface Repetition {
  /** Ends it; idempotent. */
  close(): void;
}
