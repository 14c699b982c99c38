import { createHash } from 'node:crypto';
import { Listener } from '@millrace/reactor';
import type { AdminAssignment } from '../../src/admin/admin-assignment.js';
import { DashboardFiles } from '../../src/admin/dashboard-files.js';
import { EventStream } from '../../src/admin/event-stream.js';
import { History } from '../../src/admin/history.js';
import { AdminHttpServer } from '../../src/admin/http-server.js';
import { ProcessWatch } from '../../src/admin/process-watch.js';
import type { AdminParts } from '../../src/admin/routes.js';
import type { ListenerReport, ProcessReport, StatusReport } from '../../src/admin/schemas.js';
import type { ServerView } from '../../src/admin/server-view.js';
import { CLOSE_CAUSES, type CloseCounts } from '../../src/contract/close-causes.js';

/**
 * What the admin process serves, of a server that there is not: its HTTP server, events and history are real, and what they read is made
 * up here. A hundred real processes would take a small machine minutes to start, and then measure that.
 */
export class Crowd implements Disposable {
  readonly #socket = new Listener({ host: '127.0.0.1', port: 0 });
  readonly #server: AdminHttpServer;
  readonly #events: EventStream;
  readonly #history: History;
  readonly #processes: ProcessReport[];

  constructor(workers: number, connections: number, token: string) {
    this.#processes = processesOf(workers, connections);
    const view = this.#view(connections);
    const watch = new ProcessWatch(view);
    this.#events = new EventStream(view, watch);
    this.#history = new History(view);
    const parts = {
      view,
      watch,
      events: this.#events,
      history: this.#history,
      assignment: {} as AdminAssignment,
    };
    this.#server = new AdminHttpServer(
      parts as unknown as AdminParts,
      createHash('sha256').update(token).digest('hex'),
      new DashboardFiles(new URL('../../dist/dashboard/', import.meta.url)),
    );
  }

  /** Returns where it is served. */
  async listen(): Promise<string> {
    await this.#server.listen(this.#socket.fd);
    return `http://127.0.0.1:${this.#socket.address?.port}/`;
  }

  /** A process of them ends, and another one takes its place. */
  replace(name: string): void {
    const index = this.#processes.findIndex((process) => process.name === name);
    const before = this.#processes[index] as ProcessReport;
    const { pid, restarts, failures } = before;
    this.#processes[index] = {
      ...before,
      pid: (pid ?? 0) + 1_000,
      restarts: (restarts ?? 0) + 1,
      failures: (failures ?? 0) + 1,
      lastFailure: 'SIGKILL',
    };
  }

  [Symbol.dispose](): void {
    this.#events.close();
    this.#history.close();
    this.#server.close();
    this.#socket.close();
  }

  /** Each number is another one each time, so that the page has all of them to draw. */
  #view(connections: number): ServerView {
    const startedAt = Date.now() - 3_600_000;
    const all = () =>
      this.#processes.map((process) => ({
        ...process,
        uptimeMs: Date.now() - startedAt,
        cpuPercent: Math.random() * 100,
        memory: Math.round((50 + Math.random() * 10) * 2 ** 20),
        loopDelayMs: Math.round(Math.random() * 50) / 10,
        messages: Math.round((Date.now() - startedAt) * 7),
      }));
    const listener: ListenerReport = {
      index: 0,
      type: 'stream',
      protocol: 'messages',
      tls: false,
      host: '127.0.0.1',
      port: 9501,
      path: null,
      connections,
      accepted: connections,
      refused: 0,
      messagesIn: 0,
      messagesOut: 0,
      bytesIn: 0,
      bytesOut: 0,
      rates: null,
    };
    const sinceStart = () => Math.round((Date.now() - startedAt) * (50 + Math.random()));
    const status = (): StatusReport => ({
      name: 'crowd',
      title: 'crowd',
      state: 'ready',
      mode: 'process',
      httpEngine: 'node',
      pid: 1,
      node: process.version,
      startedAt,
      uptimeMs: Date.now() - startedAt,
      at: Date.now(),
      connections: {
        open: connections,
        limit: 20_000,
        accepted: connections,
        closed: 0,
        closedBy: Object.fromEntries(CLOSE_CAUSES.map((cause) => [cause, 0])) as CloseCounts,
        turnedAway: 0,
      },
      messages: {
        received: sinceStart(),
        answered: sinceStart(),
        underWay: 40,
        bytesIn: sinceStart(),
        bytesOut: sinceStart(),
      },
      tasks: { asked: 0, completed: sinceStart(), failed: 0, waiting: 12, running: 4 },
      deaths: { answered502: 0, answered503: 0, reset: 0 },
      processes: { total: this.#processes.length, ready: this.#processes.length, restarts: 0, failures: 0 },
      lostLogLines: 0,
      size: { workers: 98, maxWorkers: 114, taskWorkers: 0, maxTaskWorkers: 0 },
      adminAddress: null,
    });
    return {
      state: 'ready',
      status,
      processes: { all, find: (name: string) => ({ report: all().find((one) => one.name === name) }) },
      listeners: { all: () => [listener] },
      connections: () => ({ at: Date.now(), open: connections, connections: [], next: null }),
    } as unknown as ServerView;
  }
}

function processesOf(workers: number, connections: number): ProcessReport[] {
  const one = (name: string, role: ProcessReport['role'], id: number, pid: number): ProcessReport => ({
    name,
    role,
    id,
    pid,
    state: 'ready',
    uptimeMs: 0,
    cpuMs: 0,
    cpuPercent: 0,
    memory: 0,
    loopDelayMs: 0,
    loopDelayP99Ms: 0,
    restarts: 0,
    failures: 0,
    lastFailure: null,
    connections: role === 'worker' ? Math.round(connections / workers) : null,
    messages: 0,
    messagesUnderWay: role === 'worker' ? 1 : null,
    tasksRunning: role === 'task-worker' ? 1 : null,
    tasksAsked: null,
  });
  return [
    one('master', 'master', 0, 1),
    one('manager', 'manager', 0, 2),
    ...Array.from({ length: workers }, (_, id) => one(`worker:${id}`, 'worker', id, 100 + id)),
    one('task-worker:0', 'task-worker', 0, 3),
    one('admin', 'admin', 0, 4),
  ];
}
