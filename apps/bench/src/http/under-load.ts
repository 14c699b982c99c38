import { runModule } from '../child.js';
import type { Contender } from '../harness.js';
import { rest } from '../load/rest.js';
import type { LoadResult } from '../load/work.js';
import { openNamespace } from './namespace.js';
import type { HttpProgram } from './programs.js';
import type { HttpWork } from './work.js';
import { hasWrk, loadByWrk } from './wrk.js';

/** Where servers listen whose client is on the same network. */
export const LOCAL = '127.0.0.1';

/** What a client is to do, without where and whom. */
export type HttpLoad = Pick<HttpWork, 'connections' | 'windowMs' | 'kind'>;

/** By the client of this package. */
export function loadByOwn(work: HttpWork): Promise<LoadResult> {
  return runModule<LoadResult>(new URL('./client.js', import.meta.url), [JSON.stringify(work)], {
    within: work.inside,
  });
}

/** One program under one load; `apart`: the client has a network of its own. */
export function underLoad({ name, missing, start }: HttpProgram, load: HttpLoad, apart = false): Contender {
  const run = async () => {
    const namespace = apart ? openNamespace() : undefined;
    const { host = LOCAL, inside } = namespace ?? {};
    try {
      const { child, port, stop } = await start(host);
      try {
        await rest(child.pid);
        const work: HttpWork = { ...load, host, port, pid: child.pid, ...(inside && { inside }) };
        return await (hasWrk && load.kind !== 'ws' ? loadByWrk(work) : loadByOwn(work));
      } finally {
        await stop();
      }
    } finally {
      namespace?.close();
    }
  };
  return { name, missing, run };
}
