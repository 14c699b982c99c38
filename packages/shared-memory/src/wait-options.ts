import { SharedMemoryError } from './errors.js';

export interface WaitOptions {
  /** Milliseconds to wait at most; 0 does not wait, Infinity waits for ever. */
  readonly timeout?: number;
}

export interface AsyncWaitOptions extends WaitOptions {
  /** Ends the waiting: the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
}

/** When to give up, as performance.now() counts. Throws `ERR_MILLRACE_TIMEOUT_VALUE` for what is no time. */
export function deadlineOf(timeout: number): number {
  if (timeout >= 0) return performance.now() + timeout;
  throw new SharedMemoryError(
    'ERR_MILLRACE_TIMEOUT_VALUE',
    `A timeout of ${timeout} ms: it must be 0 (do not wait), a number of milliseconds, or Infinity.`,
  );
}
