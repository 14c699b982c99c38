import { constants } from 'node:os';
import { HEARTBEAT_MS } from '../constants.js';
import { asPeer, asWorker, type PeerId } from '../contract/ids.js';
import type { ServiceName } from '../contract/service.js';
import { roleOfPeer } from '../links/process-kinds.js';
import { managerPeer, masterPeer, processesOf, type Topology } from '../links/topology.js';
import { originOfService } from '../log/origin.js';
import { monotonicNow } from '../process/heartbeat.js';
import { countOf } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';
import { hasProcess, publishedSize } from '../shared/server-size.js';
import type { AdminAssignment } from './admin-assignment.js';
import { machineUptimeMs, type ProcessUsage, ProcessUsages } from './process-usage.js';
import type { ProcessReport } from './schemas.js';

/** A loop that has counted nothing for so long hangs. */
const HANGS_AFTER_MS = HEARTBEAT_MS * 2.5;
/** What is told is at most so old: clients that ask often cost no more. */
const FRESH_MS = 100;

/** Roles of processes that have no place: a process that waits to take the place of a worker, and this one. */
const OTHER_WRITERS: ReadonlySet<string> = new Set(['admin', 'spare']);

interface Named {
  readonly name: string;
  readonly role: ProcessReport['role'];
  /** Counts those of its role. */
  readonly id: number;
  readonly peer: PeerId;
}

/** The processes of a server, as shared memory and /proc tell of them. */
export class ProcessList {
  readonly #counters: Counters;
  readonly #topology: Topology;
  /** Those of every place; which of them have a process, the size of the server says. */
  readonly #named: readonly Named[];
  readonly #usages = new ProcessUsages();
  #all: readonly ProcessReport[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor({ topology }: AdminAssignment, counters: Counters) {
    this.#counters = counters;
    this.#topology = topology;
    this.#named = namesOf(topology);
  }

  /** In the order of the tree: master, manager, workers, task workers, user processes, those that wait for the end of a worker, admin; read at most so long ago. */
  all(mostAgeMs = FRESH_MS): readonly ProcessReport[] {
    const now = performance.now();
    if (now - this.#readAt < mostAgeMs) return this.#all;
    this.#readAt = now;
    const named = this.#named.filter(({ peer }) => hasProcess(this.#topology, this.#counters, peer));
    const machineMs = machineUptimeMs();
    const standbys = named.flatMap((one) => this.#standbyOf(one, machineMs) ?? []);
    this.#all = [...named.map((one) => this.#report(one, machineMs)), ...standbys, this.#self(machineMs)];
    this.#usages.keep(new Set(this.#all.flatMap(({ pid }) => (pid === null ? [] : [pid]))));
    return this.#all;
  }

  /** By its name, or as the log and `ps` name it (`worker 0`). */
  find(name: string): { readonly report: ProcessReport; readonly peer: PeerId | undefined } | undefined {
    const wanted = name.replaceAll(' ', '-').replace(/-(\d+)$/, ':$1');
    const report = this.all().find((one) => one.name === wanted);
    return report && { report, peer: this.#named.find((one) => one.name === wanted)?.peer };
  }

  /** Whether lines of the log may be of that role, or of that place of it: also of one without a process now. */
  mayWrite(role: string, id: number | undefined): boolean {
    if (OTHER_WRITERS.has(role)) return true;
    return this.#named.some(
      (one) => one.name === role || (one.role === role && (id === undefined || one.id === id)),
    );
  }

  #report({ name, role, id, peer }: Named, machineMs: number): ProcessReport {
    const counters = this.#counters;
    const words = counters.process(peer);
    const of = (counter: number) => counters.ofProcess(peer, counter);
    const pid = of(layout.PID) || null;
    const usage = pid === null ? undefined : this.#usages.of(pid, machineMs);
    const worker = role === 'worker' ? asWorker(id) : undefined;
    const beats = of(layout.BEAT_PID) === pid;
    const isRunning = role === 'task-worker';
    const lastExit = words[layout.LAST_EXIT] as number;
    const failures = of(layout.FAILURES);
    return {
      name,
      role,
      id,
      pid,
      state:
        worker !== undefined && worker >= publishedSize(counters).workers
          ? 'leaving'
          : pid === null || usage === undefined
            ? 'down'
            : stateOf(words, pid, usage.stopped),
      ...usageOf(usage),
      loopDelayMs: beats ? delayOf(words[layout.LOOP_DELAY] as number) : null,
      loopDelayP99Ms: beats ? delayOf(words[layout.LOOP_DELAY_P99] as number) : null,
      restarts: of(layout.RESTARTS),
      failures,
      lastFailure: failures === 0 ? null : exitText(lastExit),
      connections: worker === undefined ? null : this.#connections(id),
      messages: worker === undefined ? null : of(layout.REQUESTS),
      messagesUnderWay: worker === undefined ? null : counters.underWay(worker),
      tasksRunning: isRunning ? of(layout.TASKS_AT_HAND) : null,
      tasksAsked: isRunning || role === 'master' || role === 'manager' ? null : of(layout.TASKS),
    };
  }

  /** Of what it publishes there is nothing yet: the block of counters is that of the process before. */
  #standbyOf({ role, id, peer }: Named, machineMs: number): ProcessReport | undefined {
    if (role !== 'worker') return undefined;
    const pid = this.#counters.ofProcess(peer, layout.STANDBY_PID);
    // It has taken the place meanwhile.
    if (pid === 0 || pid === this.#counters.ofProcess(peer, layout.PID)) return undefined;
    const usage = this.#usages.of(pid, machineMs);
    if (usage === undefined) return undefined;
    const state = usage.stopped ? 'stopped' : 'standby';
    return {
      name: `standby:${id}`,
      role: 'standby',
      id,
      pid,
      state,
      ...usageOf(usage),
      ...NOTHING_PUBLISHED,
    };
  }

  #connections(worker: number): number {
    return Math.max(0, this.#counters.ofWorker(worker, layout.CONNECTIONS));
  }

  /** This process publishes nothing; what it tells of itself is what it is. */
  #self(machineMs: number): ProcessReport {
    const usage = this.#usages.of(process.pid, machineMs);
    return {
      name: 'admin',
      role: 'admin',
      id: 0,
      pid: process.pid,
      state: 'ready',
      ...usageOf(usage),
      ...NOTHING_PUBLISHED,
    };
  }
}

/** What is told of a process that counts nothing for others to see. */
const NOTHING_PUBLISHED = {
  loopDelayMs: null,
  loopDelayP99Ms: null,
  restarts: null,
  failures: null,
  lastFailure: null,
  connections: null,
  messages: null,
  messagesUnderWay: null,
  tasksRunning: null,
  tasksAsked: null,
} as const;

function usageOf(usage: ProcessUsage | undefined) {
  const { uptimeMs = null, cpuMs = null, cpuPercent = null, memory = null } = usage ?? {};
  return { uptimeMs, cpuMs, cpuPercent, memory };
}

function stateOf(words: Float64Array, pid: number, stopped: boolean): ProcessReport['state'] {
  if (stopped) return 'stopped';
  if (words[layout.READY_PID] !== pid) return 'starting';
  if (words[layout.BEAT_PID] !== pid || words[layout.DEBUGGED] === 1) return 'ready';
  const silent = monotonicNow() - (words[layout.BEAT_AT] as number);
  return silent > HANGS_AFTER_MS ? 'hanging' : 'ready';
}

/** Any process may have written over it. */
const delayOf = (ms: number) => (Number.isFinite(ms) && ms >= 0 ? Math.round(ms * 10) / 10 : null);

/** See `exitNumber`. */
function exitText(exit: number): string {
  if (!Number.isSafeInteger(exit)) return 'unknown';
  if (exit >= 0) return `code ${countOf(exit)}`;
  const signal = Object.entries(constants.signals).find(([, number]) => number === -exit);
  return signal?.[0] ?? `signal ${-exit}`;
}

/** The processes that may be, in the order of the tree. */
export function namesOf(topology: Topology): Named[] {
  const ids = Array.from({ length: processesOf(topology) }, (_, id) => id);
  const { workers, taskWorkers } = topology;
  return [
    { name: 'master', role: 'master', id: 0, peer: masterPeer(topology) },
    { name: 'manager', role: 'manager', id: 0, peer: managerPeer(topology) },
    ...ids.map((flat): Named => {
      const peer = asPeer(flat);
      const role = roleOfPeer(topology, peer);
      if (role === 'worker') return { name: `worker:${flat}`, role, id: flat, peer };
      if (role === 'taskWorker')
        return { name: `task-worker:${flat - workers}`, role: 'task-worker', id: flat - workers, peer };
      const id = flat - workers - taskWorkers;
      if (role === 'service') {
        const service = flat - (processesOf(topology) - topology.services.length);
        const { role: name } = originOfService(topology.services[service] as ServiceName);
        return { name, role, id: service, peer };
      }
      return { name: `user-process:${id}`, role: 'user-process', id, peer };
    }),
  ];
}
