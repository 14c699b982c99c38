import { inTime } from '@millrace/channel/internal';
import { runInOrder } from '../contract/events.js';
import type { RoleContext } from '../process/role-context.js';

/** Runs the handlers of `beforeShutdown`; one that takes longer than `maxWaitTime`, or until `hurry`, is left behind. */
export async function beforeShutdown(
  { handlers, options, log }: RoleContext,
  hurry: AbortSignal,
): Promise<void> {
  try {
    const done = await inTime(runInOrder(handlers.get('beforeShutdown')), options.maxWaitTime, {
      signal: hurry,
    });
    if (!done && !hurry.aborted)
      log.warn(`beforeShutdown was not done within maxWaitTime (${options.maxWaitTime} ms); the server ends`);
  } catch (error) {
    log.error({ err: error }, 'a handler of beforeShutdown has failed; the server ends all the same');
  }
}
