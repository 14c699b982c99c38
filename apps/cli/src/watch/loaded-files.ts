import * as nodeModule from 'node:module';
import { MessageChannel } from 'node:worker_threads';
import { fileOf } from './file-of.js';
import { stateOf } from './file-state.js';

interface Hooks {
  load(url: string, context: unknown, next: (url: string, context: unknown) => unknown): unknown;
}

/** Newer versions of Node call hooks in the thread that loads, for CommonJS and ES modules alike. */
const { registerHooks } = nodeModule as unknown as { readonly registerHooks?: (hooks: Hooks) => unknown };

/** Milliseconds between two looks at what CommonJS has loaded, where it cannot be heard of. */
const LOOK_MS = 500;

/**
 * Calls `found` for each module of the program that is loaded from now on, once; none of packages. `state`: what its file was before it was
 * read, so that a change since then is known of whenever it is told.
 */
export function watchLoads(found: (file: string, state: string) => void): void {
  const seen = new Set<string>();
  const see = (place: string) => {
    const file = fileOf(place);
    if (file !== undefined && !seen.has(file)) take(file, stateOf(file));
  };
  const take = (file: string, state: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    found(file, state);
  };
  if (registerHooks !== undefined) {
    registerHooks({
      load(url, context, next) {
        see(url);
        return next(url, context);
      },
    });
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ([file, state]: [string, string]) => take(file, state)).unref();
  nodeModule.register(new URL('load-hooks.js', import.meta.url), { data: port2, transferList: [port2] });
  const { _cache: cache } = nodeModule.default as unknown as { readonly _cache: Record<string, unknown> };
  setInterval(() => {
    for (const file of Object.keys(cache)) see(file);
  }, LOOK_MS).unref();
}
