import { HANDLER_NAMED_AGAIN_MS, HANDLER_NAMED_MS } from '../constants.js';
import type { Logger } from '../log/log.js';

/**
 * Waits for handlers of `event`. What does not settle would hold the server up without a word: it is named after five seconds,
 * and every minute from then on. `consequence` says what waits for it; `what`, what has not been done, if not by its event.
 */
export async function untilSettled<T>(
  context: { readonly log: Logger },
  event: string,
  consequence: string,
  handlers: Promise<T>,
  what: () => string | undefined = () => undefined,
): Promise<T> {
  const begunAt = performance.now();
  let timer: NodeJS.Timeout;
  const name = () => {
    const seconds = Math.round((performance.now() - begunAt) / 1_000);
    const named = what() ?? `a handler of ${event} has not settled`;
    context.log.warn({ event, seconds }, `${named} for ${seconds} s: ${consequence}`);
    timer = setTimeout(name, HANDLER_NAMED_AGAIN_MS).unref();
  };
  timer = setTimeout(name, HANDLER_NAMED_MS).unref();
  try {
    return await handlers;
  } finally {
    clearTimeout(timer);
  }
}
