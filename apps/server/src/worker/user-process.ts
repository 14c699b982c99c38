import type { ChildProcessContext } from '@millrace/process-pool';
import type { TaskClient } from '@millrace/task-pool/internal';
import {
  controlMessage,
  type FromWorker,
  type ToWorker,
  unknownMessage,
} from '../contract/control-messages.js';
import { incarnationOf, type Role, type RoleAssignment, type RoleContext } from '../contract/role.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import { beat } from '../process/heartbeat.js';
import { onTermination } from '../process/termination.js';
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
export class UserProcessRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: number;
  readonly #handler: UserProcessHandler;
  readonly #stop = new AbortController();
  readonly #tasks: RoleTasks | undefined;

  /** `Tasks`: where there are task workers. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    id: number,
    handler: UserProcessHandler,
    Tasks?: typeof RoleTasks,
  ) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    this.#id = id;
    this.#handler = handler;
    this.#tasks = Tasks && new Tasks(() => this.#taskParts());
    child.onMessage((body) => {
      const message = controlMessage<ToWorker>(body, 'manager', context);
      if (message !== undefined) this.#heard(message);
    });
    child.onStop(() => this.#stop.abort());
    onTermination(() => child.send({ type: 'terminated', pid: process.pid } satisfies FromWorker));
  }

  get tasks(): TaskClient | undefined {
    return this.#tasks?.client;
  }

  async start(): Promise<void> {
    const { managerIncarnation } = this.#child.data as RoleAssignment;
    if (this.#child.incarnation > 1 || managerIncarnation > 1) this.#tasks?.succeed();
    this.#child.send({ type: 'started', pid: process.pid } satisfies FromWorker);
    beat(this.#counters());
    this.#child.ready();
    void this.#run();
  }

  #heard(message: ToWorker): void {
    switch (message.type) {
      case 'reopenLog':
        return void this.#context.reopenLog();
      case 'sessionsLost':
        return this.#context.settleLost();
      case 'terminate':
        return message.pid === process.pid ? this.#stop.abort() : undefined;
      case 'taskWorkerUp':
      case 'taskWorkerDied':
        return this.#tasks?.heard(message);
      case 'resetTasks': {
        const { taskWorker } = message;
        const reset = this.#tasks?.reset(message) === true;
        return this.#child.send({
          type: 'tasksReset',
          taskWorker,
          pid: process.pid,
          reset,
        } satisfies FromWorker);
      }
      case 'lease':
      case 'leave':
      case 'resetLinks':
        // For processes that have rings and pipes of their own.
        return;
      default:
        unknownMessage(message, 'manager', this.#context);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#handler({ id: this.#id, signal });
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
    await this.#context.flushMessages();
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
      listener: context.bell(),
      counters: this.#counters(),
      files: openTaskFiles(context.options, taskFiles as string, taskRun),
      run: taskRun,
      replace: (peer: number) => child.send({ type: 'tasksCorrupt', peer } satisfies FromWorker),
    };
  }
}
