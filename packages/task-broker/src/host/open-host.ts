/** How a process of a server becomes a host: it loads this, and the engine, and none of the program. */
import type { EngineCounts, HostSetup, RemoteHost } from '@millrace/task-pool/internal';
import type { CallerBroker, TaskEngine } from '../engine/engine.js';
import { LentPool } from './host-pool.js';
import type { HostOptions } from './host-recipe.js';
import { TaskHost } from './task-host.js';

export async function openHost(options: unknown, setup: HostSetup): Promise<RemoteHost> {
  const { recipe, valueLimit, drain = Number.POSITIVE_INFINITY } = options as HostOptions;
  const { taskEngine } = setup.loaded(recipe.module) as { taskEngine(options: unknown): TaskEngine };
  const engine = taskEngine(recipe.options);
  const host = new TaskHost({ engine, valueLimit, pool: new LentPool(setup.runner), concurrency: 1 });
  host.on('connected', setup.connected);
  host.on('away', setup.away);
  host.on('trouble', setup.trouble);
  host.on('stalled', setup.stalled);
  return new CountedHost(host, engine.caller(), drain);
}

/** A host, and the caller's end of its engine beside it, which alone can count what is there. */
class CountedHost implements RemoteHost {
  readonly #host: TaskHost;
  readonly #counting: CallerBroker;
  readonly #opened: Promise<void>;
  readonly #drain: number;

  constructor(host: TaskHost, counting: CallerBroker, drain: number) {
    this.#host = host;
    this.#counting = counting;
    this.#drain = drain;
    // Of its connection the host's tells.
    this.#opened = counting.open({ connected() {}, away() {}, replied() {} });
    this.#opened.catch(() => {});
  }

  ready(): Promise<void> {
    return this.#host.ready();
  }

  stats(): ReturnType<RemoteHost['stats']> {
    return this.#host.stats();
  }

  async counts(): Promise<EngineCounts> {
    await this.#opened;
    return this.#counting.counts();
  }

  async close({ timeout }: { readonly timeout: number }): Promise<void> {
    await Promise.all([
      this.#host.close({ timeout: Math.min(timeout, this.#drain) }),
      this.#counting.close(),
    ]);
  }
}
