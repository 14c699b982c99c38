/** How a process of a server becomes a host: it loads this, and the engine, and none of the program. */
import type { HostSetup, RemoteHost } from '@millrace/task-pool/internal';
import type { TaskEngine } from '../engine/engine.js';
import { LentPool } from './host-pool.js';
import type { HostOptions } from './host-recipe.js';
import { TaskHost } from './task-host.js';

export async function openHost(options: unknown, setup: HostSetup): Promise<RemoteHost> {
  const { recipe, valueLimit } = options as HostOptions;
  const { taskEngine } = (await import(recipe.module)) as { taskEngine(options: unknown): TaskEngine };
  const pool = new LentPool(setup.runner);
  const host = new TaskHost({ engine: taskEngine(recipe.options), valueLimit, pool, concurrency: 1 });
  host.on('connected', setup.connected);
  host.on('away', setup.away);
  host.on('trouble', setup.trouble);
  host.on('stalled', setup.stalled);
  return host;
}
