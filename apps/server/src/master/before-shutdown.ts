import { setTimeout as sleep } from 'node:timers/promises';
import { runInOrder } from '../events.js';
import type { RoleContext } from '../role.js';

/** Runs the handlers of `beforeShutdown`; one that takes longer than `maxWaitTime` is left behind. */
export async function beforeShutdown({ handlers, options, log }: RoleContext): Promise<void> {
  const inTime = new AbortController();
  // Aborted: the handlers were done first.
  const late = sleep(options.maxWaitTime, 'late', { signal: inTime.signal }).catch(() => 'in time');
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
