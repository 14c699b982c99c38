import type { ChildProcessContext } from '@millrace/process-pool';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type { PeerId, ReactorIndex } from '../contract/ids.js';
import { incarnationOf, type RoleAssignment } from '../contract/role.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { flatIdOf, type Topology } from '../links/topology.js';
import { hearOfTasks } from '../process/asker-messages.js';
import { beat } from '../process/heartbeat.js';
import { ManagerLink } from '../process/manager-link.js';
import type { RoleContext } from '../process/role-context.js';
import { LazyGateway, ProcessBell } from '../sessions/lazy-gateway.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { RoleTasks } from '../tasks/role-tasks.js';
import { openTaskFiles } from '../tasks/task-files.js';

/** What a process of `addProcess` knows of itself. */
export interface UserProcess {
  /** Its flat id, for `sendMessage`. */
  readonly id: number;
  /** Aborts when the server wants the process to end; it has `maxWaitTime` for that. */
  readonly signal: AbortSignal;
}

/**
 * Runs in a process of its own, which is kept alive: it is replaced when it dies. A handler that returns leaves the
 * process to its timers and messages; one that throws ends it.
 */
export type UserProcessHandler = (self: UserProcess) => unknown;

/** Runs a function of the user's in a process of its own. */
export class UserProcessRole {
  readonly name = 'userProcess';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: PeerId;
  readonly #handler: UserProcessHandler;
  readonly #stop = new AbortController();
  readonly #tasks: RoleTasks | undefined;
  readonly #link: ManagerLink;
  readonly #bell: ProcessBell;
  readonly #gateway: LazyGateway;

  /** `Tasks`: where there are task workers. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    id: PeerId,
    handler: UserProcessHandler,
    Tasks?: typeof RoleTasks,
  ) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    this.#id = id;
    this.#handler = handler;
    this.#tasks = Tasks && new Tasks(() => this.#taskParts());
    this.#bell = new ProcessBell(child, topology, id, context);
    this.#gateway = new LazyGateway({
      child,
      topology,
      peer: id,
      ports: context.ports,
      name: this.#bell,
      onCorrupt: (reactor, error) => this.#linkCorrupt(reactor, error),
      logs: context,
    });
    this.#link = new ManagerLink(child, context);
    this.#link.listen({
      onStop: () => this.#stop.abort(),
      onTerminate: () => this.#stop.abort(),
      onSessionsLost: () => this.#gateway.settleLost(),
      onMessage: (message) => hearOfTasks(message, this.#tasks, this.#link, context),
    });
  }

  /** Opens what asking task workers takes, where there are any. */
  openTasks(): TaskSubmitter | undefined {
    return this.#tasks?.client;
  }

  /** Opens what sessions are reached by. */
  openGateway(): SessionGateway {
    return this.#gateway.open();
  }

  async start(): Promise<void> {
    const { managerIncarnation, id } = this.#child.data as RoleAssignment;
    if (this.#child.incarnation > 1 || managerIncarnation > 1) this.#tasks?.succeed();
    this.#link.tellStarted();
    beat(this.#counters(), this.#context.loop('userProcess', id));
    this.#child.ready();
    void this.#run();
  }

  #linkCorrupt(reactor: ReactorIndex, error: Error): void {
    this.#context.log.error(`what comes from reactor ${reactor} makes no sense: ${error.message}`);
    this.#link.tell({ type: 'linkCorrupt', peer: this.#id });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#handler({ id: flatIdOf(this.#topology, this.#id), signal });
      // A handler that only sets things up leaves the process to them, until it is to end.
      if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } catch (error) {
      if (!signal.aborted) {
        this.#context.log.fatal({ err: error }, 'a user process has failed');
        process.exit(1);
      }
    }
    // What it has asked for and does not wait for has been accepted as well.
    await this.#tasks?.finish(this.#context.options.maxWaitTime);
    this.#tasks?.close();
    await this.#context.messages.flush();
    process.exit(0);
  }

  #counters(): Float64Array {
    const find = (name: string) => this.#child.descriptor(name);
    const view = new OpenedResources(this.#topology, PEER, this.#id, find);
    return view.counters().process(this.#id);
  }

  #taskParts() {
    const context = this.#context;
    const child = this.#child;
    const { taskFiles, taskRun } = child.data as RoleAssignment;
    const find = (name: string) => child.descriptor(name);
    return {
      context,
      topology: this.#topology,
      peer: this.#id,
      incarnation: incarnationOf(child),
      find,
      listener: this.#bell.listen(),
      counters: this.#counters(),
      files: taskFiles === undefined ? undefined : openTaskFiles(context.options, taskFiles, taskRun),
      run: taskRun,
      replace: (peer: PeerId) => this.#link.tell({ type: 'tasksCorrupt', peer }),
    };
  }
}
