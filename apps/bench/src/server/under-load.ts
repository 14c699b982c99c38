import { runModule } from '../child.js';
import type { Contender } from '../harness.js';
import { rest } from '../load/rest.js';
import { loadByC } from '../load/tcpload.js';
import type { LoadResult, Work } from '../load/work.js';
import type { Program, Running } from './programs.js';

/** What a client is to do, without the address. */
export type Load = Omit<Work, 'port' | 'pid'>;

/** Where the two sides run, as `taskset` takes it. Default: anywhere. */
export interface Placement {
  readonly server?: string | undefined;
  readonly client?: string | undefined;
}

/** One program under one load by the project's own client. */
export function underLoad(program: Program, load: Load, placement: Placement = {}): Contender {
  const client = new URL('../load/client.js', import.meta.url);
  return contender(program, placement, ({ child, port }) =>
    runModule<LoadResult>(client, [JSON.stringify({ ...load, port, pid: child.pid })], {
      cpus: placement.client,
    }),
  );
}

/** The same by the C client that `TCPLOAD` names. */
export function underLoadByC(program: Program, load: Load, name: string): Contender {
  const client = process.env.TCPLOAD;
  const missing = client ? program.missing : 'not measured: set TCPLOAD to the binary';
  return contender({ ...program, name, missing }, {}, ({ child, port }) =>
    loadByC(client as string, { ...load, port, pid: child.pid }),
  );
}

function contender(
  { name, missing, start }: Program,
  { server }: Placement,
  run: (running: Running) => Promise<LoadResult>,
): Contender {
  const once = async () => {
    const running = await start(server);
    try {
      await rest(running.child.pid);
      return await run(running);
    } finally {
      await running.child.stop();
    }
  };
  return { name, missing, run: once };
}
