import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../child.js';
import type { Contender, Group } from '../harness.js';
import { ClientProcess } from '../load/client-process.js';
import { processTree } from '../load/processor-time.js';
import { rest, whole } from '../load/rest.js';
import { type Act, kill, reload, type Scene } from './acts.js';
import type { Announcements } from './announcements.js';
import { millrace, type Program, swoole } from './programs.js';
import { MANY, SMALL } from './versus.js';

/** What is done to each server in one run, and in a quick one: five runs come to 100 reloads and 20 kills. */
const TIMES = { kills: 4, reloads: 20, managers: 2 };
const QUICK_TIMES = { kills: 4, reloads: 3, managers: 2 };
/** Milliseconds without any disturbance, for the compiler and for comparison. */
const QUIET_MS = 1_000;

function under(program: Program, act: Act, times: number): Contender {
  const run = async () => {
    const { child, told, port } = await program.start();
    let client: ClientProcess | undefined;
    try {
      await rest(child.pid);
      client = new ClientProcess(port, MANY, SMALL);
      const scene = sceneOf(child, told, client);
      await client.ready();
      await told.until(({ worker, manager }) => worker > 0 && manager > 0);
      await scene.disturb(null, () => sleep(QUIET_MS));
      const quiet = await scene.disturb(null, () => sleep(QUIET_MS));
      return {
        rate: quiet.answers / (QUIET_MS / 1_000),
        quietP99: quiet.p99,
        quietSlowest: quiet.slowest,
        ...(await act(scene, times)),
      };
    } finally {
      await client?.end();
      await child.stop();
    }
  };
  return { name: program.name, missing: program.missing, run };
}

function sceneOf(server: Child, told: Announcements, client: ClientProcess): Scene {
  const { length: count } = processTree(server.pid);
  return {
    root: server.pid,
    told,
    recovered: () => whole(server.pid, count, new Set([server.pid, told.manager, ...told.workers.values()])),
    async disturb(what, over) {
      client.begin(what);
      await over();
      return client.report();
    },
  };
}

/** What clients notice of kills and reloads, under load. */
export function disturbances(quick: boolean): Group[] {
  const times = quick ? QUICK_TIMES : TIMES;
  // More than one worker: only then is there a spare process.
  const two = { reactors: 1, workers: 2, announce: true };
  const [ours, theirs] = [millrace(two), swoole({ mode: 'process', ...two })];
  const standingBy = millrace({ ...two, standby: true }, 'millrace, process, standby');
  return [
    workersKilled(
      under(ours, kill('worker'), times.kills),
      under(theirs, kill('worker'), times.kills),
      under(standingBy, kill('worker'), times.kills),
    ),
    reloaded(under(ours, reload, times.reloads), under(theirs, reload, times.reloads)),
    managerKilled(under(ours, kill('manager'), times.managers)),
  ];
}

function workersKilled(ours: Contender, peer: Contender, standingBy: Contender): Group {
  const all = [ours, standingBy, peer];
  const name = 'a worker is killed under load';
  return {
    contenders: all,
    comparisons: [
      {
        case: `${name}: until its replacement serves`,
        unit: 'ms',
        metric: 'settled',
        better: 'less',
        ours,
        peer,
        bar: 1,
      },
      ...[ours, standingBy].map((one) => ({
        case: `${name}: slowest answer, median of the kills`,
        unit: 'ms',
        metric: 'slowest',
        better: 'less' as const,
        ours: one,
        peer,
      })),
    ],
    figures: all.flatMap((contender) => [
      { case: `${name}: kills`, unit: 'kills', metric: 'done', contender, over: 'sum' as const },
      { case: `${name}: messages lost`, unit: 'messages', metric: 'lost', contender, over: 'sum' as const },
      {
        case: `${name}: connections closed`,
        unit: 'connections',
        metric: 'closed',
        contender,
        over: 'sum' as const,
      },
      { case: `${name}: slowest answer`, unit: 'ms', metric: 'longest', contender },
      { case: `${name}: the same without a kill`, unit: 'ms', metric: 'quietSlowest', contender },
      { case: `${name}: load`, unit: 'msg/s', metric: 'rate', contender },
    ]),
  };
}

function reloaded(ours: Contender, peer: Contender): Group {
  const both = [ours, peer];
  const name = 'reloads under load';
  return {
    contenders: both,
    comparisons: [
      { case: `${name}: p99 during them`, unit: 'us', metric: 'p99', better: 'less', ours, peer },
      {
        case: `${name}: slowest answer`,
        unit: 'ms',
        metric: 'longest',
        better: 'less',
        ours,
        peer,
      },
    ],
    figures: both.flatMap((contender) => [
      { case: `${name}: reloads`, unit: 'reloads', metric: 'done', contender, over: 'sum' as const },
      {
        case: `${name}: failed requests`,
        unit: 'requests',
        metric: 'failed',
        contender,
        over: 'sum' as const,
      },
      { case: `${name}: p99 without a reload`, unit: 'us', metric: 'quietP99', contender },
    ]),
  };
}

function managerKilled(contender: Contender): Group {
  const name = 'the manager is killed under load';
  return {
    contenders: [contender],
    comparisons: [],
    figures: [
      { case: `${name}: slowest answer`, unit: 'ms', metric: 'longest', contender },
      { case: `${name}: messages lost`, unit: 'messages', metric: 'lost', contender, over: 'sum' },
      { case: `${name}: connections closed`, unit: 'connections', metric: 'closed', contender, over: 'sum' },
    ],
  };
}
