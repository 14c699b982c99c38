import { VALUE_LIMIT } from '../wire/limits.js';
import { GRACE_MS, type ServeOptions } from './host-options.js';
import { OwnPool } from './host-pool.js';
import { TaskHost } from './task-host.js';

/**
 * Runs the tasks of `module` for the callers of an engine, in task processes of this machine, until the host is closed. This
 * process should do nothing else: while its event loop is blocked no claim is renewed.
 */
export function serveTasks(
  module: URL | string,
  { engine, valueLimit = VALUE_LIMIT, grace = GRACE_MS, ...options }: ServeOptions,
): TaskHost {
  const pool = new OwnPool(String(module), valueLimit, { ...options, grace });
  return new TaskHost({ engine, valueLimit, pool, concurrency: options.concurrency ?? 1 });
}
