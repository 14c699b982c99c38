import { syscalls } from './addon.js';
import type { PollHandle } from './calls.js';
import { EPOLLIN, EPOLLOUT } from './constants.js';
import { check, SystemCallError } from './errors.js';

const UV_READABLE = 1;
const UV_WRITABLE = 2;
const UV_DISCONNECT = 4;
/** How often in a row a persistent error is reported while the descriptor is not asked what it is. */
const MAX_ERRORS = 16;

/** What one watched descriptor is good for: change what is watched, stop. */
export interface PollRegistration {
  /** What to report from here on; none of them stops reporting until the next call. `end`: a hang-up, once. */
  update(interest: { readonly read: boolean; readonly write: boolean; readonly end?: boolean }): void;
  /** Whether the watching alone keeps the loop alive. */
  ref(): void;
  unref(): void;
  /** Ends the watching; idempotent. The descriptor stays open. */
  close(): void;
}

/** What became possible, in the bits of epoll: `EPOLLIN`, `EPOLLOUT` or both. */
export type ReadinessCallback = (ready: number) => void;

/**
 * Watches descriptors in the loop of the Node thread that it is used on.
 *
 * Notes. Readiness is level-triggered and may be spurious. An error or a hang-up is reported as both readable and
 * writable, so that the next call on the descriptor says what it is. An error that stays is reported a few times, and
 * then no more before the next `update`. A descriptor can be watched once at a time.
 */
export class NodePoller {
  /** Runs `callback` in the next turn of the loop. */
  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** Runs `callback` about every `ms` milliseconds until it is closed; it keeps the loop alive no longer. */
  every(ms: number, callback: () => void): { close(): void } {
    const timer = setInterval(callback, ms).unref();
    return { close: () => clearInterval(timer) };
  }

  /**
   * Watches an event descriptor for reading by its edges: `callback` is called after each time that it is written to, and
   * nobody has to read it. It may be called in vain, and again and again as long as the descriptor is readable, should
   * this version of Node watch by levels alone: a callback that finds nothing to do reads it.
   */
  addEdge(fd: number, callback: () => void): PollRegistration {
    return this.#add(fd, callback, true);
  }

  add(fd: number, callback: ReadinessCallback): PollRegistration {
    return this.#add(fd, callback, false);
  }

  #add(fd: number, callback: ReadinessCallback, byEdges: boolean): PollRegistration {
    let wanted = 0;
    let errors = 0;
    const handle = syscalls.pollOpen(fd, (status, events) => {
      if (status < 0) {
        // libuv has stopped the handle, and there may be more to read behind the error.
        if (++errors < MAX_ERRORS) syscalls.pollStart(handle as PollHandle, wanted);
        return callback(EPOLLIN | EPOLLOUT);
      }
      errors = 0;
      if (events & UV_DISCONNECT) {
        // It stays, and would be reported without end.
        wanted &= ~UV_DISCONNECT;
        check(syscalls.pollStart(handle as PollHandle, wanted), 'uv_poll_start');
        return callback(EPOLLIN | EPOLLOUT);
      }
      callback((events & UV_READABLE ? EPOLLIN : 0) | (events & UV_WRITABLE ? EPOLLOUT : 0));
    });
    if (typeof handle === 'number') throw new SystemCallError('uv_poll_init', -handle, `descriptor ${fd}`);
    if (byEdges) check(syscalls.pollEdges(handle), 'uv_poll_init');
    let closed = false;
    return {
      update({ read, write, end = false }) {
        if (closed) return;
        wanted = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0) | (end ? UV_DISCONNECT : 0);
        errors = 0;
        check(syscalls.pollStart(handle, wanted), 'uv_poll_start');
      },
      ref() {
        if (!closed) syscalls.pollRef(handle, 1);
      },
      unref() {
        if (!closed) syscalls.pollRef(handle, 0);
      },
      close() {
        if (closed) return;
        closed = true;
        syscalls.pollClose(handle);
      },
    };
  }
}
