import { checkOptions, checkWait, optionNames } from '@millrace/channel';
import { Alarm, deadlineAfter } from '@millrace/channel/internal';
import { SystemCallError } from '@millrace/native';
import { EAGAIN, EINTR, ETIMEDOUT, syscalls } from '@millrace/native/syscalls';
import { SLICE_MS } from '../constants.js';
import { onWordChange } from './word-waiter.js';

export interface WaitOptions {
  /** Milliseconds to wait at most; 0 does not wait, Infinity waits for ever. */
  readonly timeout?: number;
}

export interface AsyncWaitOptions extends WaitOptions {
  /** Ends the waiting: the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
}

const BLOCKING_OPTIONS = optionNames<WaitOptions>({ timeout: true });
const ASYNC_OPTIONS = optionNames<AsyncWaitOptions>({ timeout: true, signal: true });

/** Throws `ERR_MILLRACE_UNKNOWN_OPTION`, for a signal too: what blocks this thread hears of none. */
export function checkBlocking(options: WaitOptions): void {
  checkOptions(options, BLOCKING_OPTIONS, 'A wait that blocks');
}

export function checkAsync(options: AsyncWaitOptions): void {
  checkOptions(options, ASYNC_OPTIONS, 'A wait');
}

/** The result of a wait, or undefined as long as it has to go on. */
type Check = () => boolean | undefined;

/** Waits of one object for its word to change, in this thread and in promises. Waiters keep no state in the memory. */
export class WordWaits {
  readonly #words: Int32Array;
  readonly #rejects = new Set<(error: Error) => void>();

  /** The word is the first one of `words`. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /**
   * Sleeps while the word is `expected`, and returns the first result that `check` gives; false when `timeout` has passed.
   * BLOCKS this thread.
   */
  block(expected: number, check: Check, timeout: number): boolean {
    const deadline = deadlineAfter(timeout);
    for (;;) {
      const result = check();
      if (result !== undefined) return result;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const slept = syscalls.futexWait(this.#words, 0, expected, Math.ceil(Math.min(left, SLICE_MS)));
      if (slept < 0 && slept !== -EAGAIN && slept !== -ETIMEDOUT && slept !== -EINTR)
        throw new SystemCallError('futex', -slept);
    }
  }

  /** As `block`, without blocking. Rejects with the signal's reason, with what `check` throws, or when all are rejected. */
  wait(
    expected: number,
    check: Check,
    { timeout, signal }: AsyncWaitOptions & { readonly timeout: number },
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const deadline = deadlineAfter(timeout);
      checkWait({ signal });
      let cancel = () => {};
      let alarm: Alarm | undefined;
      const end = () => {
        cancel();
        alarm?.cancel();
        signal?.removeEventListener('abort', aborted);
        this.#rejects.delete(fail);
      };
      const done = (result: boolean) => {
        end();
        resolve(result);
      };
      const fail = (error: unknown) => {
        end();
        reject(error);
      };
      const aborted = () => fail(signal?.reason);
      const attempt = () => {
        const result = check();
        if (result !== undefined) return done(result);
        if (performance.now() >= deadline) return done(false);
        cancel = onWordChange(this.#words, 0, expected, attempt);
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#rejects.add(fail);
      if (timeout > 0) alarm = new Alarm(timeout, () => done(check() ?? false));
      attempt();
    });
  }

  rejectAll(error: Error): void {
    for (const reject of [...this.#rejects]) reject(error);
  }
}
