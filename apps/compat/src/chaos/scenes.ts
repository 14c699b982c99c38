import { isRunning, until } from '@millrace/testkit';
import { Served, type StartCommand } from '../start.js';
import { ChaosClient, type ChaosOptions } from './client.js';
import type { Counts } from './counts.js';
import { type EveryByteOptions, type EveryByteResult, killedAtEveryByte } from './every-byte.js';
import { kill, killInTurn } from './killer.js';
import { noSocketCounts, runSockets, type SocketCounts } from './sockets.js';

/** What clients see of `programs/echo-id.js` while its processes change. */
export interface LoadResult {
  /** How many processes were killed, or how many reloads were done. */
  readonly changes: number;
  /** How many requests were in hand, at most, of the processes that were killed, when they were. */
  readonly inHand: number;
  readonly counts: Counts;
}

/** 503, where a machine is slow to start a process, is not what these runs are about: it is counted, and there is time. */
const patient = ({ name, command }: StartCommand): StartCommand => ({
  name,
  command: [...command, '--max-wait', '30000'],
});

/** A place is not reloaded before the process that it had has finished its connections: longer than those may take. */
const RELOAD_MS = 45_000;

type Load = Omit<ChaosOptions, 'port' | 'signal'>;

/** Kept connections under which workers are killed in turn. */
export async function killWorkers(
  by: StartCommand,
  { kills, everyMs, ...load }: Load & { readonly kills: number; readonly everyMs: number },
): Promise<LoadResult> {
  return underLoad(by, load, async (served, client, signal) => {
    let inHand = 0;
    const onKill = (pid: number) => {
      inHand += client.inHandOf(pid);
    };
    const first = served.workers().length;
    // A place whose new worker has not answered yet is not killed again, nor is another beside it: 503 is right where there is none.
    const pids = () => {
      const now = served.workers();
      return now.length >= first && now.every((pid) => client.answered.has(pid)) ? now : [];
    };
    const changes = await killInTurn({ pids, everyMs, times: kills, signal, onKill });
    return { changes, inHand };
  });
}

/** Kept connections under which all workers are replaced by new ones, again and again. */
export async function reloadWorkers(
  by: StartCommand,
  { reloads, ...load }: Load & { readonly reloads: number },
): Promise<LoadResult> {
  return underLoad(by, load, async (served) => {
    for (let at = 0; at < reloads; at++) {
      const before = served.workers();
      served.program.kill('SIGUSR1');
      await until(
        'new workers',
        () => {
          const now = served.workers();
          return now.length >= before.length && !now.some((pid) => before.includes(pid));
        },
        { deadlineMs: RELOAD_MS },
      );
    }
    return { changes: reloads, inHand: 0 };
  });
}

async function underLoad(
  by: StartCommand,
  load: Load,
  change: (
    served: Served,
    client: ChaosClient,
    signal: AbortSignal,
  ) => Promise<{ readonly changes: number; readonly inHand: number }>,
): Promise<LoadResult> {
  await using served = await Served.start('echo-id.js', patient(by));
  const stop = new AbortController();
  const client = new ChaosClient({ ...load, port: served.port, signal: stop.signal });
  const run = client.run();
  try {
    const answered = async () => {
      const { ok } = client.counts;
      await until('answers', () => client.counts.ok >= ok + load.connections);
    };
    await answered();
    const changed = await change(served, client, stop.signal);
    await answered();
    return { ...changed, counts: client.counts };
  } finally {
    stop.abort();
    await run;
  }
}

/** {@link killedAtEveryByte}, with the worker that has the connection; and how often a body was read as a request. */
export async function killWorkersAtBytes(
  by: StartCommand,
  options: Pick<EveryByteOptions, 'positions'> = {},
): Promise<EveryByteResult & { readonly smuggled: number }> {
  await using served = await Served.start('echo-id.js', patient(by));
  const result = await killedAtEveryByte({
    ...options,
    port: served.port,
    kill: async (pid) => {
      kill(pid);
      await until('its end', () => !isRunning(pid));
    },
  });
  return { ...result, smuggled: served.program.count(/a body was read as a request/g) };
}

/** WebSockets under which workers are killed in turn; each is opened once. */
export async function killUnderSockets(
  by: StartCommand,
  { sockets, kills }: { readonly sockets: number; readonly kills: number },
): Promise<SocketCounts> {
  await using served = await Served.start('ws.js', patient(by));
  const stop = new AbortController();
  const counts = noSocketCounts();
  const closed = () => Object.values(counts.closed).reduce((sum, count) => sum + count, 0);
  const run = runSockets({ port: served.port, sockets, signal: stop.signal }, counts);
  try {
    await until('all sockets', () => counts.opened === sockets && counts.ok >= sockets);
    const first = served.workers();
    for (const pid of first.slice(0, kills)) {
      const before = closed();
      kill(pid);
      await until('the end of its sockets', () => closed() > before);
    }
    const { ok } = counts;
    if (kills < first.length) await until('messages of the others', () => counts.ok >= ok + sockets);
  } finally {
    stop.abort();
    await run;
  }
  return counts;
}
