import { createLog } from './log.js';
import { resolveOptions } from './option-schema.js';

/**
 * What every process of a server does first, done once to no effect: a spare does it while it has time. The schema of
 * the options is compiled when it is first used, the log's library sets itself up with its first log.
 */
export function warmUp(): void {
  resolveOptions({ port: 0 });
  createLog('silent', '', undefined);
}
