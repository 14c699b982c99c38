import { createRequire } from 'node:module';
import { createLog } from './log.js';
import { resolveOptions } from './option-schema.js';

/** The roles that a spare may have to take; modules of their own in `dist`. */
const ROLES = ['manager', 'worker', 'own-reactor', 'task-worker', 'user-process'];

/**
 * What every process of a server does first, done once to no effect: a spare does it while it has time. It loads what
 * a role needs, and at once, for it has to wait right here; the log's library sets itself up with its first log.
 */
export function warmUp(): void {
  const require = createRequire(import.meta.url);
  for (const role of ROLES) require(`./${role}.js`);
  resolveOptions({ port: 0 });
  createLog('silent', '', undefined);
}
