import { setTimeout as sleep } from 'node:timers/promises';

/** How long a test waits for something to become true, unless it says otherwise, in milliseconds. */
export const DEADLINE_MS = 40_000;

/** Thrown by a condition that can no longer come true: `until` waits no longer. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
}

/**
 * Waits until `condition` gives something other than `undefined`, `null` or `false`, and returns that.
 *
 * Throws after `deadlineMs` with `what` and the last error of the condition, so that a failure says what was missing; `what` is a
 * function where that is known only then.
 */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | Promise<T>,
  { deadlineMs = DEADLINE_MS, everyMs = 5 }: { deadlineMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      cause = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      cause = error;
    }
    if (performance.now() >= end) {
      const last = cause instanceof Error ? `; the last time: ${cause.message}` : '';
      throw new Error(`Not within ${deadlineMs} ms: ${named(what)}${last}`, { cause });
    }
    await sleep(everyMs);
  }
}

/** Rejects when `promise` has not settled in `deadlineMs`: the watchdog for whatever could hang. */
export async function within<T>(
  what: string | (() => string),
  promise: Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const stop = new AbortController();
  const watchdog = sleep(deadlineMs, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new Error(`Not settled within ${deadlineMs} ms: ${named(what)}`);
  });
  watchdog.catch(() => {});
  try {
    return await Promise.race([promise, watchdog]);
  } finally {
    stop.abort();
  }
}

function named(what: string | (() => string)): string {
  return typeof what === 'string' ? what : what();
}
