import { MappedMemory } from '@millrace/native';
import { type ServerStats, serverStats } from '../api/stats.js';
import { CLOSE_REASONS, type SessionCloseReason } from '../contract/close-reasons.js';
import { asListener, type PeerId } from '../contract/ids.js';
import { CONNECTIONS, COUNTERS } from '../links/descriptor-names.js';
import { openCounters } from '../links/shared-resources.js';
import { connectionBytes, connectionParts } from '../links/table-sizes.js';
import { CLOSED, FLAG_PAUSED, FREE } from '../shared/connection-layout.js';
import { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';
import type { AdminAssignment } from './admin-assignment.js';
import { ListenerList } from './listener-list.js';
import { ProcessList } from './process-list.js';
import type { ConnectionReport, ProcessReport, StatusReport } from './schemas.js';

/** A page of connections, where the client does not say. */
const PAGE = 100;

type ServerState = StatusReport['state'];

/** States of processes that do what they are there for. */
const WELL: ReadonlySet<ProcessReport['state']> = new Set(['ready', 'leaving', 'standby']);

/**
 * The server, as the memory that its processes share tells of it, and /proc: nothing is asked of any process, so one that hangs holds up
 * nothing here, and nothing here holds up one.
 */
export class ServerView {
  readonly processes: ProcessList;
  readonly listeners: ListenerList;
  readonly #assignment: AdminAssignment;
  readonly counters: Counters;
  readonly #connections: ConnectionTable;

  /** `find`: the descriptors of what is shared. */
  constructor(assignment: AdminAssignment, find: (name: string) => number) {
    const { topology } = assignment;
    this.#assignment = assignment;
    this.counters = openCounters(topology, find(COUNTERS));
    const { buffer } = new MappedMemory(find(CONNECTIONS), connectionBytes(topology));
    this.#connections = new ConnectionTable(buffer, topology.maxConnections, connectionParts(topology));
    this.processes = new ProcessList(assignment, this.counters);
    this.listeners = new ListenerList(assignment.listeners, this.counters);
  }

  /** What is counted of one process. */
  words(peer: PeerId): Float64Array {
    return this.counters.process(peer);
  }

  get state(): ServerState {
    const processes = this.processes.all();
    switch (this.counters.server(layout.STATE)) {
      case layout.SERVER_RUNNING:
        return processes.every(({ state }) => WELL.has(state)) ? 'ready' : 'degraded';
      case layout.SERVER_STOPPING:
        return 'draining';
      default:
        return 'starting';
    }
  }

  /** Whether some worker takes what clients send: a server may be degraded, and serve. */
  get serves(): boolean {
    return (
      this.counters.server(layout.STATE) === layout.SERVER_RUNNING &&
      this.processes.all().some(({ role, state }) => role === 'worker' && state === 'ready')
    );
  }

  /** Whether the master lives and its loop turns. */
  get isAlive(): boolean {
    const master = this.processes.all().find(({ role }) => role === 'master');
    return master?.state === 'ready' || master?.state === 'starting';
  }

  /** Without what a queue of the system says, which this process may not open. */
  stats(): ServerStats {
    return serverStats(this.counters, { ...this.#assignment.topology, taskQueue: undefined }, undefined);
  }

  status(): StatusReport {
    const { name, title, mode, httpEngine, topology, address } = this.#assignment;
    const stats = this.stats();
    const processes = this.processes.all();
    const now = Date.now();
    const sum = (of: (process: ProcessReport) => number | null) =>
      processes.reduce((all, process) => all + (of(process) ?? 0), 0);
    return {
      name,
      title,
      state: this.state,
      mode,
      httpEngine,
      pid: processes[0]?.pid ?? 0,
      node: process.version,
      startedAt: stats.startTime,
      uptimeMs: Math.max(0, now - stats.startTime),
      at: now,
      connections: {
        open: stats.connectionNum,
        limit: topology.maxConnections,
        accepted: stats.acceptCount,
        closed: stats.closeCount,
        closedBy: stats.closeCounts,
        turnedAway: stats.abortCount + stats.descriptorAbortCount,
      },
      messages: {
        received: stats.requestCount,
        answered: stats.responseCount,
        underWay: stats.concurrency,
        bytesIn: stats.totalRecvBytes,
        bytesOut: stats.totalSendBytes,
      },
      tasks: {
        asked: stats.taskCount,
        completed: stats.taskCompletedCount,
        failed: stats.taskFailedCount,
        waiting: stats.taskingNum,
        running: stats.taskRunningNum,
      },
      deaths: {
        answered502: stats.badGatewayCount,
        answered503: stats.unavailableCount,
        reset: stats.deathResetCount,
      },
      size: {
        workers: stats.workerNum,
        maxWorkers: topology.workers,
        taskWorkers: stats.taskWorkerNum,
        maxTaskWorkers: topology.taskWorkers,
      },
      processes: {
        total: processes.length,
        ready: processes.filter(({ state }) => state === 'ready' || state === 'standby').length,
        restarts: sum(({ restarts }) => restarts),
        failures: sum(({ failures }) => failures),
      },
      lostLogLines: stats.lostLogLines,
      adminAddress: address ?? null,
    };
  }

  /** A page of open connections with ids above `after`, lowest first. */
  connections({
    after = 0,
    limit = PAGE,
    listener,
  }: {
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
    readonly listener?: number | undefined;
  }): { at: number; open: number; connections: ConnectionReport[]; next: number | null } {
    const table = this.#connections;
    const ids = table.list(after, listener === undefined ? undefined : asListener(listener));
    const page = ids.slice(0, limit);
    return {
      at: Date.now(),
      open: this.status().connections.open,
      connections: page.flatMap((session) => this.connection(session) ?? []),
      next: ids.length > page.length ? (page.at(-1) ?? null) : null,
    };
  }

  /** Undefined: it is not open. */
  connection(session: number): ConnectionReport | undefined {
    const table = this.#connections;
    const record = table.read(session);
    if (record === undefined || record.state === CLOSED || record.state === FREE) return undefined;
    const { received, sent } = table.times(session);
    const { workers } = this.#assignment.topology;
    return {
      session,
      listener: record.listener,
      remoteAddress: record.host,
      remotePort: record.remotePort,
      reactor: record.reactor,
      worker: record.worker >= 0 && record.worker < workers ? record.worker : null,
      connectedAt: record.connectTime,
      lastReceivedAt: received,
      lastSentAt: sent,
      queuedBytes: table.queued(table.slot(session)),
      paused: (record.flags & FLAG_PAUSED) !== 0,
      tls: record.tlsCell !== 0,
    };
  }

  /** Why a session was closed; undefined: nothing tells of it any more, or it never was. */
  closeReason(session: number): SessionCloseReason | undefined {
    const record = this.#connections.read(session);
    return record?.state === CLOSED ? CLOSE_REASONS[record.reason] : undefined;
  }
}
