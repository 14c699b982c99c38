import type { Callback } from './timer-table.js';

/** Makes an error an uncaught one, once what runs now has ended. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** A function of its own, so that a timer without arguments pays for no closure. */
export function bind<A extends unknown[]>(callback: (...args: A) => unknown, args: A): Callback {
  return () => callback(...args);
}

/** As `bind`, for a callback that gets its timer's id first. */
export function bindTick<A extends unknown[]>(
  callback: (id: number, ...args: A) => unknown,
  args: A,
): Callback {
  return (id) => callback(id, ...args);
}
