import { giveMessagesRoom } from '@millrace/channel/internal';
import { NodePoller } from '@millrace/native';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { FindDescriptor } from '@millrace/process-pool/links';
import type { TaskContext } from '@millrace/task-pool';
import {
  type LargeValueFiles,
  QueueConsumer,
  type TaskHandler,
  type TaskQueue,
  TaskRunner,
} from '@millrace/task-pool/internal';
import { type FromWorker, unknownMessage } from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import type { ProcessId } from '../contract/ids.js';
import type { Role, RoleAssignment, RoleContext, WorkerStatus } from '../contract/role.js';
import { corruptTaskLink, isSenderCertain } from '../links/corrupt-links.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { openRunnerLinks, type RunnerLinks } from '../links/task-links.js';
import { checkTaskMeans, openTaskQueue } from '../links/task-queue.js';
import { peerOfAsker } from '../links/task-topology.js';
import { idOfPeer, type Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { beat } from '../process/heartbeat.js';
import { drawLimit } from '../process/limit.js';
import { type LeaseMessage, RoleLease } from '../process/role-lease.js';
import { untilSettled } from '../process/settling.js';
import { onTermination } from '../process/termination.js';
import { WorkerDrain } from '../process/worker-drain.js';
import { GARBAGE, ORPHANS_FAILED, TASKS_AT_HAND } from '../shared/counters-layout.js';
import { openTaskFiles } from './task-files.js';

/** Runs the user's tasks, one at a time. */
export class TaskWorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: number;
  readonly #workerId: number;
  readonly #limit: LogLimit;
  #runner: TaskRunner | undefined;
  #ways: RunnerLinks | undefined;
  #queue: TaskQueue | undefined;
  #consumer: QueueConsumer | undefined;
  #opened: LargeValueFiles | undefined;
  /** The manager has been told that it is. */
  #isReady = false;
  readonly #leaving: WorkerDrain;
  readonly lease: RoleLease;

  /** `id` counts task workers from 0; their worker ids follow those of the event workers. */
  constructor(context: RoleContext, child: ChildProcessContext, topology: Topology, id: number) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    this.#id = id;
    this.#workerId = topology.workers + id;
    this.#limit = new LogLimit(context);
    this.lease = new RoleLease(child, context, {
      onLeave: () => void this.#leaving.begin({ linger: false }),
      onMessage: (message) => this.#heard(message),
    });
    this.#leaving = new WorkerDrain({
      context,
      child,
      lease: this.lease,
      workerId: this.#workerId,
      finish: async () => {
        // What it has taken from a queue is nowhere else: it is run. Without one nothing more is begun from here on.
        if (this.#consumer !== undefined) await this.#consumer.stop();
        await this.#runner?.stop();
        await Promise.all((this.#ways?.channels ?? []).map((channel) => channel.drained()));
        await context.flushClients();
      },
      inHand: () => (this.#running > 0 ? [`${this.#running} tasks`] : []),
    });
    this.lease.whenReleased(() => {
      this.#ways?.close();
      this.#queue?.close();
    });
    child.onStop(() => void this.#leaving.begin());
    onTermination(() => child.send({ type: 'terminated', pid: process.pid } satisfies FromWorker));
  }

  get status(): WorkerStatus {
    if (this.#leaving.asked) return 'exiting';
    return this.#running > 0 ? 'busy' : 'idle';
  }

  get #running(): number {
    return this.#runner?.running ?? 0;
  }

  async start(): Promise<void> {
    checkTaskMeans(this.#context.options, this.#topology, this.#files());
    this.#child.send({ type: 'started', pid: process.pid } satisfies FromWorker);
    const started = runInOrder(this.#context.handlers.get('workerStart'), this.#workerId);
    await untilSettled(
      this.#context,
      'workerStart',
      `${this.#child.name} takes nothing before it has`,
      started,
    );
    if (this.#leaving.bySignal) return;
    this.#child.ready();
    this.#isReady = true;
    await this.lease.acquired();
    if (!this.#leaving.asked) this.#serve();
  }

  /** It is to end, and the server is not: its place must not stay empty. */
  #terminate(): void {
    this.#child.detach();
    void this.#leaving.begin({ bySignal: !this.#isReady });
  }

  #heard(message: LeaseMessage): void {
    switch (message.type) {
      case 'reopenLog':
        return void this.#context.reopenLog();
      case 'sessionsLost':
        return this.#context.settleLost();
      case 'terminate':
        return message.pid === process.pid ? this.#terminate() : undefined;
      case 'taskWorkerUp':
      case 'taskWorkerDied':
      case 'resetLinks':
      case 'resetTasks':
        // For workers, which wait for what they have asked.
        return;
      default:
        unknownMessage(message, 'manager', this.#context);
    }
  }

  /** Takes tasks from here on. */
  #serve(): void {
    giveMessagesRoom();
    const { options } = this.#context;
    const maxTasks = drawLimit(options.taskMaxRequest, options.taskMaxRequestGrace);
    const find = (name: string) => this.#child.descriptor(name);
    const ways = this.#openWays(find);
    const { board } = ways;
    const counters = new OpenedResources(this.#topology, PEER, this.#workerId, find)
      .counters()
      .process(this.#workerId);
    const count = (counter: number) => {
      counters[counter] = (counters[counter] as number) + 1;
    };
    const say = (running: number) => {
      board.setLoad(this.#id, running);
      counters[TASKS_AT_HAND] = running;
    };
    this.#ways = ways;
    this.#runner = new TaskRunner({
      channels: ways.channels,
      sources: ways.channels.map((_, asker) => peerOfAsker(this.#topology, asker)),
      handler: (name) => this.#handler(name),
      claims: {
        tables: ways.channels.map((_, asker) => board.claims(asker)),
        worker: this.#id,
        workers: this.#topology.taskWorkers,
      },
      onInvalidMessage: (asker, error) => {
        if (asker >= 0) return this.#corrupt(asker, error);
        count(GARBAGE);
        this.#limit.warn('garbage', error.message);
      },
      onLoad: say,
      onDone: (begun) => {
        if (begun >= maxTasks) this.#served();
      },
      onUnsendable: (error, name) =>
        this.#context.log.error({ err: error, task: name }, 'the result of a task cannot be sent'),
      onOrphanFailed: (error, name) => {
        count(ORPHANS_FAILED);
        this.#context.log.error(
          { err: error, task: name },
          'a task of another program, or of an earlier run, has failed',
        );
      },
    });
    this.#queue = openTaskQueue({
      run: (this.#child.data as RoleAssignment).taskRun ?? '',
      topology: this.#topology,
      files: this.#files(),
      onGarbage: (error) => {
        count(GARBAGE);
        this.#limit.warn('garbage', error.message);
      },
    });
    if (this.#queue !== undefined)
      this.#consumer = new QueueConsumer(this.#queue, this.#runner, (error) => this.#queueFailed(error));
    this.lease.whenReleased(beat(counters));
    say(0);
    this.#runner.start();
    this.#consumer?.start();
    this.#child.send({ type: 'takesTasks' } satisfies FromWorker);
  }

  #openWays(find: FindDescriptor): RunnerLinks {
    const onCorrupt = (asker: number, error: Error) => this.#corrupt(asker, error);
    return openRunnerLinks(this.#topology, find, this.#id, new NodePoller(), this.#files(), onCorrupt);
  }

  #files(): LargeValueFiles {
    const { taskFiles } = this.#child.data as RoleAssignment;
    this.#opened ??= openTaskFiles(this.#context.options, taskFiles as string);
    return this.#opened;
  }

  /**
   * What an asker has sent makes no sense. A pipe has one sender. The rings of this process all askers map, so which of them has
   * written there nobody knows; they are emptied when this process has ended.
   */
  #corrupt(asker: number, error: Error): void {
    const certain = isSenderCertain(this.#topology);
    const peer = certain ? peerOfAsker(this.#topology, asker) : this.#workerId;
    const why = corruptTaskLink(this.#topology, asker, this.#id, error.message);
    const killed = certain ? 'The process that has sent it' : 'The task worker';
    this.#limit.warn('corrupt-task', `${why} ${killed} is killed and replaced.`);
    this.#child.send({ type: 'tasksCorrupt', peer } satisfies FromWorker);
  }

  /** Another process may have better luck; there is nothing for this one to do. */
  #queueFailed(error: unknown): void {
    this.#context.log.fatal({ err: error }, 'no task can be taken from the queue any more');
    process.exit(1);
  }

  /** The empty name is Swoole's own form: one handler for all tasks. */
  #handler(name: string): TaskHandler | undefined {
    if (name !== '') {
      const { tasks } = this.#context.options;
      return Object.hasOwn(tasks, name) ? (tasks[name] as TaskHandler) : undefined;
    }
    const handler = this.#context.handlers.get('task').at(-1);
    return (
      handler &&
      ((data: unknown, context: TaskContext) =>
        handler({
          id: context.id,
          workerId: this.#askerId(context.source),
          data,
          finish: (result) => context.finish(result),
        }))
    );
  }

  #askerId(source: number): ProcessId {
    return source < 0 ? source : idOfPeer(this.#topology, source);
  }

  /** It has run as many tasks as it is to run: the next process of its name gets the others. */
  #served(): void {
    this.#child.detach();
    void this.#leaving.begin();
  }
}
