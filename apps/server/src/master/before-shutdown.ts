import { setTimeout as sleep } from 'node:timers/promises';
import { runInOrder } from '../events.js';
import type { RoleContext } from '../role.js';

/** Runs the handlers of `beforeShutdown`; one that takes longer than `maxWaitTime`, or until `hurry`, is left behind. */
export async function beforeShutdown(
  { handlers, options, log }: RoleContext,
  hurry: AbortSignal,
): Promise<void> {
  const inTime = new AbortController();
  const signal = AbortSignal.any([inTime.signal, hurry]);
  // Aborted: the handlers were done first, or nobody wants to wait for them.
  const late = sleep(options.maxWaitTime, 'late', { signal }).catch(() => 'no wait');
  try {
    const outcome = await Promise.race([runInOrder(handlers.get('beforeShutdown')), late]);
    if (outcome === 'late')
      log.warn(`beforeShutdown was not done within maxWaitTime (${options.maxWaitTime} ms); the server ends`);
  } catch (error) {
    log.error({ err: error }, 'a handler of beforeShutdown has failed; the server ends all the same');
  } finally {
    inTime.abort();
  }
}
