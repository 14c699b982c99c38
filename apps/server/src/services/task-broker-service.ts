import type { ChildProcessContext } from '@millrace/process-pool';
import type {
  EngineCounts,
  HostRunner,
  OpenHost,
  RemoteHost,
  RunOptions,
} from '@millrace/task-pool/internal';
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
import {
  ENGINE_DISCONNECTS,
  HOST_AGAIN,
  HOST_CANCELLED,
  HOST_LOST,
  HOST_RUNNING,
  HOST_SETTLED,
  HOST_SLOTS,
  HOST_STALLED,
} from '../shared/counters-layout.js';
import { EngineNumbers } from '../tasks/engine-numbers.js';
import { TaskAsker } from '../tasks/task-asker.js';
import { openTaskFiles } from '../tasks/task-files.js';
import { loadedModule } from './loaded-modules.js';
import type { RunningService } from './service-role.js';

/** Milliseconds between two questions for what waits and runs. */
const COUNT_EVERY_MS = 2_000;
/** Hosts that are told by their addresses, and how much of one. */
const MOST_HOSTS = 64;
const MOST_ADDRESS = 100;

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
  readonly #numbers: EngineNumbers;
  #isEnding = false;
  #disconnects = 0;
  #queue: EngineCounts | undefined;
  #writing: NodeJS.Timeout | undefined;

  constructor(parts: TaskBrokerParts) {
    this.#parts = parts;
    const { context, child, topology, peer, counters, replace } = parts;
    const { taskFiles } = child.data as RoleAssignment;
    this.#limit = new LogLimit(context);
    this.#numbers = new EngineNumbers(counters);
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
    const { openHost } = loadedModule<{ openHost: OpenHost }>(service.host.module);
    const { log } = this.#parts.context;
    let wasConnected = false;
    let isAway = () => {};
    const away = new Promise<void>((resolve) => {
      isAway = resolve;
    });
    const host = await openHost(service.host.options, {
      runner: this.#runner(),
      loaded: loadedModule,
      connected: () => {
        wasConnected = true;
        log.info(`connected to ${service.engine}: the task workers take its tasks`);
      },
      away: (error) => {
        log.warn({ err: error }, `${service.engine} is away; it is tried again until it is there`);
        if (wasConnected) this.#disconnects++;
        wasConnected = false;
        isAway();
      },
      trouble: ({ message }) => this.#limit.warn('engine', `${service.engine} refuses a request: ${message}`),
      stalled: (id) =>
        this.#limit.warn('stalled', `task ${id} is free again: its host has not renewed its claim`),
    });
    this.#host = host;
    this.#writing = setInterval(() => void this.#count(host), COUNT_EVERY_MS).unref();
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
    this.#isEnding = true;
    clearInterval(this.#writing);
    await this.#host?.close({ timeout: this.#parts.context.options.maxWaitTime });
    if (this.#host !== undefined) this.#write(this.#host);
    this.#parts.context.numbers.hosts(new Map());
    this.#numbers.clear(HOST_RUNNING, HOST_SLOTS);
    this.#asker.close();
  }

  async #count(host: RemoteHost): Promise<void> {
    try {
      // What it does not say while it is away is told as it was, with `connected`.
      this.#queue = await host.counts();
    } catch {
      this.#queue = undefined;
    }
    if (this.#isEnding) return;
    this.#write(host);
    // Anything may be written into an engine by those who may use it.
    const hosts = Object.entries(this.#queue?.hosts ?? {}).slice(0, MOST_HOSTS);
    const running = hosts.map(
      ([address, report]) => [address.slice(0, MOST_ADDRESS), Number(report.running) || 0] as const,
    );
    this.#parts.context.numbers.hosts(new Map(running));
  }

  #write(host: RemoteHost): void {
    const { connected, running, slots, settled, lost, again, cancelled, stalled } = host.stats();
    const counted = new Map([
      [ENGINE_DISCONNECTS, this.#disconnects],
      [HOST_SETTLED, settled],
      [HOST_LOST, lost],
      [HOST_AGAIN, again],
      [HOST_CANCELLED, cancelled],
      [HOST_STALLED, stalled],
    ]);
    const now = new Map([
      [HOST_RUNNING, running],
      [HOST_SLOTS, slots],
    ]);
    this.#numbers.write(connected, this.#queue, counted, now);
  }
}
