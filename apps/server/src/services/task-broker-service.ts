import type { ChildProcessContext } from '@millrace/process-pool';
import type { HostRunner, OpenHost, RemoteHost, RunOptions } from '@millrace/task-pool/internal';
import type {
  ResetTasks,
  TaskWorkerDied,
  TaskWorkerGone,
  TaskWorkerUp,
} from '../contract/control-messages.js';
import type { PeerId } from '../contract/ids.js';
import { incarnationOf, type RoleAssignment } from '../contract/role.js';
import type { Service } from '../contract/service.js';
import type { Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import type { RoleContext } from '../process/role-context.js';
import { ProcessBell } from '../sessions/lazy-gateway.js';
import { TaskAsker } from '../tasks/task-asker.js';
import { openTaskFiles } from '../tasks/task-files.js';
import type { RunningService } from './service-role.js';

export interface TaskBrokerParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  readonly peer: PeerId;
  readonly service: Extract<Service, { readonly name: 'task broker' }>;
  readonly counters: Float64Array;
  /** Has the manager replace the process of that peer. */
  readonly replace: (peer: PeerId) => void;
}

/**
 * Claims tasks of an engine, and has the task workers of this server run them, which it asks as a worker does. It holds claims and connection,
 * and runs no task: one that blocks its task worker costs no claim.
 */
export class TaskBrokerService implements RunningService {
  readonly #parts: TaskBrokerParts;
  readonly #asker: TaskAsker;
  readonly #bell: ProcessBell;
  readonly #limit: LogLimit;
  #ready: (taskWorker: number) => void = () => {};
  #ended: (taskWorker: number) => void = () => {};
  /** Those that take tasks. */
  readonly #up = new Set<number>();
  #host: RemoteHost | undefined;

  constructor(parts: TaskBrokerParts) {
    this.#parts = parts;
    const { context, child, topology, peer, counters, replace } = parts;
    const { taskFiles } = child.data as RoleAssignment;
    this.#limit = new LogLimit(context);
    this.#bell = new ProcessBell(child, topology, peer, context);
    this.#asker = new TaskAsker({
      topology,
      peer,
      incarnation: incarnationOf(child),
      find: (name) => child.descriptor(name),
      // As many as are claimed, and those are as many as the task workers take.
      maxQueue: Number.MAX_SAFE_INTEGER,
      counters,
      files: openTaskFiles(context.options, taskFiles as string),
      run: undefined,
      limit: this.#limit,
      // The callers count them.
      numbers: undefined,
      replace,
      watch: {
        ready: (taskWorker) => {
          this.#up.add(taskWorker);
          this.#ready(taskWorker);
        },
        ended: (taskWorker) => {
          this.#up.delete(taskWorker);
          this.#ended(taskWorker);
        },
      },
      finished: () => {},
    });
  }

  /** Resolves when the engine is connected, or is away, which a server that serves waits for. Rejects where it is of no use. */
  async start(): Promise<void> {
    const { service } = this.#parts;
    this.#asker.open(this.#bell.listen());
    const { openHost } = (await import(service.host.module)) as { openHost: OpenHost };
    const { log } = this.#parts.context;
    let isAway = () => {};
    const away = new Promise<void>((resolve) => {
      isAway = resolve;
    });
    const host = await openHost(service.host.options, {
      runner: this.#runner(),
      connected: () => log.info(`connected to ${service.engine}: the task workers take its tasks`),
      away: (error) => {
        log.warn({ err: error }, `${service.engine} is away; it is tried again until it is there`);
        isAway();
      },
      trouble: ({ message }) => this.#limit.warn('engine', `${service.engine} refuses a request: ${message}`),
      stalled: (id) =>
        this.#limit.warn('stalled', `task ${id} is free again: its host has not renewed its claim`),
    });
    this.#host = host;
    await Promise.race([host.ready(), away]);
    // One that was away may turn out to be of no use: the next process may find another.
    host.ready().catch((error: unknown) => {
      log.fatal({ err: error }, `no tasks can be had of ${service.engine}`);
      process.exit(1);
    });
  }

  #runner(): HostRunner {
    const { client } = this.#asker;
    return {
      places: this.#parts.topology.taskWorkers,
      watch: (ready, ended) => {
        this.#ready = ready;
        this.#ended = ended;
        for (const taskWorker of this.#up) ready(taskWorker);
      },
      run: (name: string, call: unknown, options: RunOptions) => client.run(name, call, options),
      stream: (name: string, call: unknown, options: RunOptions) => client.stream(name, call, options),
    };
  }

  heard(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void {
    this.#asker.heard(message);
  }

  reset(message: ResetTasks): boolean {
    return this.#asker.reset(message);
  }

  async stop(): Promise<void> {
    await this.#host?.close({ timeout: this.#parts.context.options.maxWaitTime });
    this.#asker.close();
  }
}
