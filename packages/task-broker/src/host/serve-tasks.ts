import type { ServeOptions } from './host-options.js';
import { TaskHost } from './task-host.js';

/**
 * Runs the tasks of `module` for the callers of an engine, in task processes of this machine, until the host is closed. This
 * process should do nothing else: while its event loop is blocked no claim is renewed.
 */
export function serveTasks(module: URL | string, options: ServeOptions): TaskHost {
  return new TaskHost(String(module), options);
}
