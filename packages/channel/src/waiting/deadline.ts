import { ArgumentError, shown } from '../errors.js';
import type { WaitOptions } from '../interface/channel.js';

/** The longest single timer in milliseconds: setTimeout and epoll take a signed 32-bit integer, and fire at once beyond it. */
const LONGEST_STEP_MS = 2 ** 31 - 1;

/**
 * The one rule for a time that a caller sets: 0 polls once, a number of milliseconds waits for as long, Infinity waits
 * for ever. Returns it, or throws `ERR_MILLRACE_TIMEOUT_VALUE` for NaN, negative numbers and what is no number.
 */
export function checkTimeout(timeout: unknown, name = 'timeout'): number {
  // Written so that NaN fails as well.
  if (typeof timeout === 'number' && timeout >= 0) return timeout;
  throw new ArgumentError(
    'ERR_MILLRACE_TIMEOUT_VALUE',
    `'${name}' must be 0 (poll once), a number of milliseconds above it, or Infinity (no limit), not ${shown(timeout)}.`,
    { argument: name, value: timeout },
  );
}

/** Throws `ERR_MILLRACE_SIGNAL_VALUE` for what is no AbortSignal; one of another realm is. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return;
  throw new ArgumentError(
    'ERR_MILLRACE_SIGNAL_VALUE',
    `'signal' must be an AbortSignal, not ${shown(signal)}.`,
    {
      argument: 'signal',
      value: signal,
    },
  );
}

/** Checks the signal and the time-out of a wait before anything is done for it; throws the signal's reason when it has aborted already. */
export function checkWait({ signal, timeout }: WaitOptions): void {
  if (timeout !== undefined) checkTimeout(timeout);
  checkSignal(signal);
  signal?.throwIfAborted();
}

/** When `timeout` has passed, as performance.now() counts. Throws as {@link checkTimeout}. */
export function deadlineAfter(timeout: number, name?: string): number {
  return performance.now() + checkTimeout(timeout, name);
}

/** A timer for any time that {@link checkTimeout} lets through: a long one waits in steps, an endless one never rings. */
export class Alarm {
  readonly #ring: () => void;
  #left: number;
  #timer: NodeJS.Timeout | undefined;
  #keepsLoop = true;

  /** Calls `ring` once, `ms` milliseconds from now. */
  constructor(ms: number, ring: () => void) {
    this.#ring = ring;
    this.#left = ms;
    if (ms !== Number.POSITIVE_INFINITY) this.#step();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Does not keep the loop alive from here on. */
  unref(): this {
    this.#keepsLoop = false;
    this.#timer?.unref();
    return this;
  }

  ref(): this {
    this.#keepsLoop = true;
    this.#timer?.ref();
    return this;
  }

  readonly #step = (): void => {
    const step = Math.min(this.#left, LONGEST_STEP_MS);
    this.#left -= step;
    // Node cuts fractions off, and would fire before the time is over.
    this.#timer = setTimeout(this.#left > 0 ? this.#step : this.#ring, Math.ceil(step));
    if (!this.#keepsLoop) this.#timer.unref();
  };
}

/** True when `work` is done first, false when `timeout` has passed or `signal` has aborted before; rejects as `work` does. */
export async function inTime(
  work: Promise<unknown>,
  timeout: number,
  { signal, keepLoop = true }: { readonly signal?: AbortSignal; readonly keepLoop?: boolean } = {},
): Promise<boolean> {
  let over = () => {};
  const late = new Promise<false>((resolve) => {
    over = () => resolve(false);
  });
  const alarm = new Alarm(timeout, over);
  if (!keepLoop) alarm.unref();
  signal?.addEventListener('abort', over, { once: true });
  if (signal?.aborted) over();
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    alarm.cancel();
    signal?.removeEventListener('abort', over);
  }
}
