import { isRunning, until } from '@millrace/testkit';
import { type KilledProbes, probeKilledWorkers as probeKilled } from '../desync/killed.js';
import type { Probe } from '../desync/probes.js';
import { Served, type StartCommand } from '../start.js';
import { serverHasRead } from '../wire/round-trip.js';
import { BYTE_CASES, type ByteCase } from './byte-cases.js';
import { ChaosClient, type ChaosOptions } from './client.js';
import { type Counts, KINDS, noCounts } from './counts.js';
import { type EveryByteOptions, type EveryByteResult, killedAtEveryByte } from './every-byte.js';
import { kill, killInTurn } from './killer.js';
import { noSocketCounts, runSockets, type SocketCounts } from './sockets.js';

/** What clients see of `programs/echo-id.js` while its processes change. */
export interface LoadResult {
  /** How many processes were killed, or how many reloads were done. */
  readonly changes: number;
  /** How many requests were in hand, at most, of the processes that were killed, when they were. */
  readonly inHand: number;
  /** Kills that cost more requests than the process had in hand. */
  readonly beyond: number;
  /** Requests that were answered when they were asked again; where the client does so. */
  readonly retried: number;
  /** The longest change, in milliseconds. */
  readonly slowestMs: number;
  readonly counts: Counts;
}

/** 503, where a machine is slow to start a process, is not what these runs are about: it is counted, and there is time. */
const patient = ({ name, command }: StartCommand): StartCommand => ({
  name,
  command: [...command, '--max-wait', '30000'],
});

/**
 * A place is not reloaded before the process that it had has finished its connections: longer than those may take, and each process
 * of it loads the program where others keep the processors busy.
 */
const RELOAD_MS = 180_000;

type BytesOptions = Pick<EveryByteOptions, 'positions'> & { readonly cases?: readonly ByteCase[] };
type Load = Omit<ChaosOptions, 'port' | 'signal'>;

/** Kept connections under which workers are killed in turn. */
export async function killWorkers(
  by: StartCommand,
  { kills, everyMs, ...load }: Load & { readonly kills: number; readonly everyMs: number },
): Promise<LoadResult> {
  return underLoad(by, load, async (served, client, result, signal) => {
    let [ofThis, failures, killedAt] = [0, 0, 0];
    /** Of the kill before: all that it has cost is known by the next. */
    const settle = () => {
      if (client.failures - failures > ofThis) result.beyond++;
      failures = client.failures;
    };
    const onKill = (pid: number) => {
      settle();
      ofThis = client.inHandOf(pid, served.workers());
      result.inHand += ofThis;
      killedAt = performance.now();
      killed++;
    };
    const first = served.workers().length;
    let killed = 0;
    // A place whose new worker does not listen yet is not killed again, nor is another beside it: 503 is right where there is none.
    const pids = () => {
      const now = served.workers();
      if (now.length < first || served.program.count(/^listening on/gm) < first + killed) return [];
      if (killedAt > 0) result.slowestMs = Math.max(result.slowestMs, performance.now() - killedAt);
      killedAt = 0;
      // In base mode some may have no clients.
      return now.filter((pid) => client.answered.has(pid));
    };
    result.changes = await killInTurn({ pids, everyMs, times: kills, signal, onKill });
    await until('the replacement of the last', () => pids().length > 0);
    settle();
  });
}

/** Kept connections under which all workers are replaced by new ones, again and again. */
export async function reloadWorkers(
  by: StartCommand,
  {
    reloads,
    onReload,
    ...load
  }: Load & { readonly reloads: number; readonly onReload?: (ms: number) => void },
): Promise<LoadResult> {
  return underLoad(by, load, async (served, _client, result) => {
    for (; result.changes < reloads; result.changes++) {
      const begun = performance.now();
      await reload(served);
      const took = performance.now() - begun;
      result.slowestMs = Math.max(result.slowestMs, took);
      onReload?.(took);
    }
  });
}

type Changing = { -readonly [Name in keyof LoadResult]: LoadResult[Name] };

async function underLoad(
  by: StartCommand,
  load: Load,
  change: (served: Served, client: ChaosClient, result: Changing, signal: AbortSignal) => Promise<void>,
): Promise<LoadResult> {
  await using served = await Served.start('echo-id.js', patient(by));
  const stop = new AbortController();
  const client = new ChaosClient({ ...load, port: served.port, signal: stop.signal });
  const { counts } = client;
  const result: Changing = { changes: 0, inHand: 0, beyond: 0, retried: 0, slowestMs: 0, counts };
  const run = client.run();
  try {
    const answered = async () => {
      const { ok } = counts;
      await until('answers', () => counts.ok >= ok + load.connections);
    };
    await answered();
    await change(served, client, result, stop.signal);
    await answered();
    return { ...result, slowestMs: Math.round(result.slowestMs), retried: client.retried };
  } finally {
    stop.abort();
    await run;
  }
}

/** {@link killedAtEveryByte} of all workers, for each case; and how often a body was read as a request. */
export async function killWorkersAtBytes(
  by: StartCommand,
  { cases = BYTE_CASES, ...options }: BytesOptions = {},
): Promise<EveryByteResult & { readonly smuggled: number }> {
  await using served = await Served.start('echo-id.js', patient(by));
  const sum = { counts: noCounts(), kills: 0, second: 0, stayedOpen: 0 };
  for (const each of cases) {
    const result = await killedAtEveryByte(each, {
      ...options,
      port: served.port,
      kill: () => killAll(served),
    });
    for (const kind of KINDS) sum.counts[kind] += result.counts[kind];
    sum.kills += result.kills;
    sum.second += result.second;
    sum.stayedOpen += result.stayedOpen;
  }
  return { ...sum, smuggled: served.program.count(/a body was read as a request/g) };
}

/** {@link probeKilled}, with a worker that has all connections. */
export function probeKilledWorkers(by: StartCommand, probes?: readonly Probe[]): Promise<KilledProbes> {
  return probeKilled(patient(by), killAll, probes);
}

/** Kills all workers once they have read what was sent to them. */
async function killAll(served: Served): Promise<void> {
  await serverHasRead(served);
  const pids = served.workers();
  for (const pid of pids) kill(pid);
  await until('the end of all workers', () => !pids.some(isRunning));
}

/** Has all workers replaced by new ones. */
async function reload(served: Served): Promise<void> {
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

/** WebSockets of `programs/ws-resume.js`, each opened once, under which all workers are replaced again and again. */
export async function reloadUnderSockets(
  by: StartCommand,
  load: { readonly sockets: number; readonly reloads: number; readonly everyMs?: number },
): Promise<SocketCounts & { readonly unsettled: number }> {
  const { sockets, reloads, everyMs = 1_000 } = load;
  await using served = await Served.start('ws-resume.js', patient(by));
  const stop = new AbortController();
  const counts = noSocketCounts();
  const { port } = served;
  const run = runSockets(
    { port, path: '/', sockets, counted: true, everyMs, timeoutMs: 30_000, signal: stop.signal },
    counts,
  );
  const answered = async () => {
    const { ok } = counts;
    await until('answers', () => counts.ok >= ok + sockets, { deadlineMs: RELOAD_MS });
  };
  try {
    await until('all sockets', () => counts.opened === sockets, { deadlineMs: RELOAD_MS });
    for (let at = 0; at < reloads; at++) {
      await answered();
      await reload(served);
    }
    await answered();
  } finally {
    stop.abort();
    await run;
  }
  return { ...counts, unsettled: served.program.count(/messages are unsettled/g) };
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
