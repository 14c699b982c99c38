import { createRequire } from 'node:module';
import { bundledModules } from '../bundle/bundle-facts.js';
import { resolveOptions } from '../options/resolve-options.js';

/** The roles that a spare may have to take; modules of their own in `dist`. */
const ROLES = ['manager', 'worker', 'own-reactor', 'task-worker', 'user-process'];

function loadRoles(): void {
  const bundled = bundledModules();
  if (bundled !== undefined) {
    bundled('roles');
    return;
  }
  const require = createRequire(import.meta.url);
  try {
    for (const role of ROLES) require(`./${role}.js`);
  } catch (error) {
    // Node was told to `require` no ECMAScript modules: the role is loaded once it is known.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ESM') throw error;
  }
}

/**
 * What every process of a server does first, done once to no effect: a spare does it while it has time. It loads what
 * a role needs, and at once, for it has to wait right here.
 */
export function warmUp(): void {
  loadRoles();
  resolveOptions({ port: 0 });
}
